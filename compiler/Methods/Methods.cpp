//===- Methods.cpp - Choosing the codes and scales of one weight matrix ----===//
//
// The order of the methods: scales and nearest codes, GPTQ, coordinate descent; and the errors of
// all of them in words.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/Methods.h"

#include "compiler/Methods/Blas.h"
#include "compiler/Methods/CoordinateDescent.h"
#include "compiler/Methods/Gptq.h"
#include "compiler/Methods/Metrics.h"
#include "compiler/Methods/ScaleSearch.h"
#include "dialects/QuantExt/Codec/Reference.h"

#include "llvm/ADT/Twine.h"

#include <algorithm>
#include <mutex>
#include <optional>

using namespace llvm;

namespace qcc {
namespace {

constexpr int64_t kStrip = 64;

Error describeFault(const RtnResult &result, int64_t row) {
  std::string column = std::to_string(result.index);
  if (result.fault == RtnResult::Fault::NotFinite)
    return createStringError("the weight in row " + Twine(row) + ", column " + column +
                             " is NaN or infinite: the weights are damaged, or were saved with an "
                             "overflow");
  return createStringError("weights in row " + Twine(row) + " from column " + column +
                           " on are too large for 16-bit scales or values (65504); keep this "
                           "tensor at 32 bits");
}

/// quantizeMatrix after its arguments were checked.
class Quantizer {
public:
  Quantizer(const float *w, int64_t n, int64_t k, const InputStatistics *statistics,
            const MethodOptions &options, QuantizedMatrix &out, MethodReport &report)
      : w(w), n(n), k(k), statistics(statistics), options(options), out(out), report(report) {
    if (statistics)
      importance = importanceOf(*statistics);
    report.fewTokens = statistics && statistics->tokens < k;
    report.deadChannels = std::count(importance.begin(), importance.end(), 0.0f);
  }

  Error run(const HessianFactor *factor) {
    if (Error error = chooseScales())
      return error;
    if (options.gptq)
      if (Error error = runGptq(factor))
        return error;
    if (options.descentSweeps > 0)
      report.changedCodes = descend(
          w, n, k, *statistics,
          {options.descentSweeps, options.refitScales, options.damping, options.threads}, out);
    if (options.measureError) {
      std::vector<float> q = dequantize(out);
      report.relativeError = outputError(w, q.data(), n, k, statistics, options.threads).relative();
    }
    return Error::success();
  }

private:
  const float *importanceOrNull() const { return importance.empty() ? nullptr : importance.data(); }

  Error chooseScales() {
    std::mutex mutex;
    RtnResult worst;
    int64_t worstRow = 0;
    forEachStrip(n, kStrip, options.threads, [&](int64_t first, int64_t count) {
      for (int64_t r = first; r < first + count; ++r) {
        RtnResult result =
            searchRow(w + r * k, importanceOrNull(), out.scheme, options.scales, k, rowOf(out, r));
        if (result.fault == RtnResult::Fault::None && result.coarseGroups == 0)
          continue;
        std::lock_guard<std::mutex> lock(mutex);
        report.coarseGroups += result.coarseGroups;
        bool none = worst.fault == RtnResult::Fault::None;
        if (result.fault != RtnResult::Fault::None && (none || r < worstRow)) {
          worst = result;
          worstRow = r;
        }
      }
    });
    return worst.fault == RtnResult::Fault::None ? Error::success()
                                                 : describeFault(worst, worstRow);
  }

  Error runGptq(const HessianFactor *factor) {
    std::optional<HessianFactor> own;
    if (!factor) {
      Expected<HessianFactor> made =
          HessianFactor::make(*statistics, options.damping, options.activationOrder);
      if (!made)
        return made.takeError();
      factor = &own.emplace(std::move(*made));
    }
    int64_t row = 0;
    RtnResult result = gptqCodes(w, n, k, *factor, importanceOrNull(), options, out, row);
    return result.fault == RtnResult::Fault::None ? Error::success() : describeFault(result, row);
  }

  const float *w;
  int64_t n, k;
  const InputStatistics *statistics;
  const MethodOptions &options;
  QuantizedMatrix &out;
  MethodReport &report;
  std::vector<float> importance; ///< [K], or empty
};

} // namespace

std::string checkMethod(const Scheme &scheme, const MethodOptions &options) {
  if (std::string wrong = scheme.check(); !wrong.empty())
    return wrong;
  if (std::string wrong = checkSearch(scheme); !wrong.empty())
    return wrong;
  if (!(options.damping >= 0) || options.damping > 1e6)
    return "damping " + std::to_string(options.damping) + " is not within 0 .. 1e6";
  if (options.descentSweeps < 0)
    return "a negative number of sweeps";
  if (scheme.isFloat())
    return options.gptq || options.descentSweeps ? "float codes have nothing to choose" : "";
  if (options.gptq && options.dynamicScales &&
      (options.activationOrder || scheme.scale == ScaleKind::Super))
    return "scales that are chosen on the way need the natural order of columns, and groups "
           "without super-blocks";
  if (options.refitScales && options.descentSweeps == 0)
    return "scales are refitted between sweeps of coordinate descent; there are none";
  return "";
}

Error quantizeMatrix(const float *w, int64_t n, int64_t k, const Scheme &scheme,
                     const InputStatistics *statistics, const MethodOptions &options,
                     QuantizedMatrix &out, MethodReport *report, const HessianFactor *factor) {
  if (std::string wrong = checkMethod(scheme, options); !wrong.empty())
    return createStringError(wrong);
  if (statistics)
    if (Error error = checkStatistics(*statistics, k))
      return error;
  bool needsHessian = options.gptq || options.descentSweeps > 0;
  if (needsHessian && (!statistics || statistics->hessian.empty()))
    return createStringError("this method needs the Hessian of the inputs; calibrate with "
                             "-calib=FILE");
  if (options.scales == ScaleMethod::Importance &&
      (!statistics || importanceOf(*statistics).empty()))
    return createStringError("importance-weighted scales need E[x^2] of the inputs; calibrate with "
                             "-calib=FILE");
  if (factor && factor->size() != k)
    return createStringError("the Hessian's factor is of " + Twine(factor->size()) +
                             " input channels, not " + Twine(k));
  out.scheme = scheme;
  out.k = k;
  reshape(out, n);
  MethodReport unused;
  return Quantizer(w, n, k, statistics, options, out, report ? *report : unused).run(factor);
}

} // namespace qcc
