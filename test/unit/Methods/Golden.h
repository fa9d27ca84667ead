//===- Golden.h - What reference.py computed ------------------------------===//
//
// The matrices and results of data/reference.json, and the statistics they make.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_TEST_UNIT_METHODS_GOLDEN_H
#define QCC_TEST_UNIT_METHODS_GOLDEN_H

#include "compiler/Methods/InputStatistics.h"

#include <nlohmann/json.hpp>

#include <fstream>

namespace qcc {

inline const nlohmann::json &golden() {
  static const nlohmann::json data = [] {
    std::ifstream file(METHODS_TEST_DATA "/reference.json");
    return nlohmann::json::parse(file, nullptr, false);
  }();
  return data;
}

template <typename T> std::vector<T> goldenVector(const char *name) {
  return golden().at(name).get<std::vector<T>>();
}

inline InputStatistics goldenStatistics() {
  InputStatistics s;
  s.k = golden().at("k");
  s.tokens = golden().at("tokens");
  s.absMax = goldenVector<float>("absMax");
  s.meanAbs = goldenVector<float>("meanAbs");
  s.hessian = goldenVector<float>("hessian");
  s.meanSquare = importanceOf(s);
  return s;
}

} // namespace qcc

#endif // QCC_TEST_UNIT_METHODS_GOLDEN_H
