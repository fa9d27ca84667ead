//===- InputStatistics.cpp - What calibration knows of a matrix's inputs ---===//
//
// Statistics come from running a model on a text, so they can be wrong in ways that the methods
// must not have to think of: everything is checked here, once.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/InputStatistics.h"

#include "llvm/ADT/Twine.h"

#include <cmath>

using namespace llvm;

namespace qcc {
namespace {

Error damaged(const Twine &what, const Twine &toDo) {
  return createStringError(what + "; " + toDo);
}

Error checkVector(StringRef name, const std::vector<float> &values, size_t size) {
  if (values.empty())
    return Error::success();
  if (values.size() != size)
    return damaged("calibration statistics have " + Twine(values.size()) + " values of " + name +
                       ", not " + Twine(size),
                   "they are of another model; calibrate again");
  for (size_t i = 0; i < size; ++i)
    if (!std::isfinite(values[i]) || values[i] < 0)
      return damaged("calibration statistics: " + name + " of input channel " + Twine(i) + " is " +
                         std::to_string(values[i]),
                     "the float model does not compute this text; check it with -bits=32");
  return Error::success();
}

} // namespace

Error checkStatistics(const InputStatistics &s, int64_t k) {
  if (s.k != k || k < 0)
    return damaged("calibration statistics are of " + Twine(s.k) + " input channels, not " +
                       Twine(k),
                   "they are of another model; calibrate again");
  if (s.tokens <= 0)
    return damaged("calibration statistics are of no token", "give a longer calibration text");
  auto size = static_cast<size_t>(k);
  if (Error error = checkVector("max |x|", s.absMax, size))
    return error;
  if (Error error = checkVector("mean |x|", s.meanAbs, size))
    return error;
  if (Error error = checkVector("mean x^2", s.meanSquare, size))
    return error;
  if (s.hessian.empty())
    return Error::success();
  if (s.hessian.size() / size != size || s.hessian.size() % size != 0)
    return damaged("calibration statistics have " + Twine(s.hessian.size()) +
                       " values of x x^T, not the square of " + Twine(k),
                   "they are of another model; calibrate again");
  for (size_t i = 0; i < s.hessian.size(); ++i)
    if (!std::isfinite(s.hessian[i]) || (i % (size + 1) == 0 && s.hessian[i] < 0))
      return damaged("calibration statistics: mean x x^T of input channels " + Twine(i / size) +
                         " and " + Twine(i % size) + " is " + std::to_string(s.hessian[i]),
                     "the float model does not compute this text; check it with -bits=32");
  return Error::success();
}

std::vector<float> importanceOf(const InputStatistics &s) {
  if (!s.meanSquare.empty() || s.hessian.empty())
    return s.meanSquare;
  std::vector<float> diagonal(s.k);
  for (int64_t i = 0; i < s.k; ++i)
    diagonal[i] = s.hessian[i * (s.k + 1)];
  return diagonal;
}

} // namespace qcc
