//===- HeldOut.cpp - Windows that calibration does not see ----------------------------===//

#include "compiler/Report/HeldOut.h"
#include "frontends/Common/Error.h"
#include <cmath>

using namespace llvm;

namespace qcc {

Error HeldOut::start() {
  if (Error error = runner.embed(text.heldOut, text.window, exact))
    return error;
  quantized = exact;
  return Error::success();
}

Error HeldOut::run(int64_t layer, HiddenStates &states) {
  for (int64_t w = 0; w < states.windows; ++w)
    if (Error error = runner.run(layer, layer + 1, states, w, &states, nullptr))
      return error;
  return Error::success();
}

Error HeldOut::runExact(int64_t layer) { return run(layer, exact); }
Error HeldOut::runQuantized(int64_t layer) { return run(layer, quantized); }

double HeldOut::error() const {
  double squares = 0, difference = 0;
  for (size_t i = 0; i < exact.values.size(); ++i) {
    double h = exact.values[i], d = quantized.values[i] - h;
    squares += h * h;
    difference += d * d;
  }
  return squares > 0 ? std::sqrt(difference / squares) : 0;
}

Expected<Comparison> HeldOut::compare() {
  Comparison comparison;
  int64_t vocabulary = runner.vocabulary();
  int64_t first = text.window / 2 - 1, rows = text.window - 1 - first;
  std::vector<float> p(LayerRunner::kHeadRows * vocabulary), q(p.size());
  for (int64_t w = 0; w < exact.windows; ++w)
    for (int64_t at = first; at < first + rows; at += LayerRunner::kHeadRows) {
      int64_t count = std::min(LayerRunner::kHeadRows, first + rows - at);
      if (Error error = runner.head(exact.of(w) + at * exact.width, count, p.data()))
        return std::move(error);
      if (Error error = runner.head(quantized.of(w) + at * exact.width, count, q.data()))
        return std::move(error);
      for (int64_t r = 0; r < count; ++r)
        if (!comparison.add(p.data() + r * vocabulary, q.data() + r * vocabulary, vocabulary,
                            text.heldOut[w * text.window + at + r + 1]))
          return badModel("-calib=" + text.path, "held-out windows",
                          "the quantized model's logits are not numbers; use more bits");
    }
  return comparison;
}

} // namespace qcc
