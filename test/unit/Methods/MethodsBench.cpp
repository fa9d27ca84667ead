//===- MethodsBench.cpp - How long the methods take, and what they save ----===//
//
// One layer of SmolLM2-135M's shapes with correlated inputs of a few loud channels. Prints seconds
// of processor time for the layer and the relative output error by method and scheme; times 30 is
// the model.
//
//===----------------------------------------------------------------------===//
#include "compiler/Methods/Hessian.h"
#include "compiler/Methods/Methods.h"
#include "compiler/Methods/Metrics.h"
#include "dialects/QuantExt/Codec/Presets.h"
#include "dialects/QuantExt/Codec/Reference.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>

using namespace qcc;

namespace {

std::vector<float> gaussian(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(count);
  for (float &f : out)
    f = normal(random);
  return out;
}

/// x = mixing * z with channel gains: H of `tokens` such inputs.
InputStatistics correlated(int64_t k, int64_t tokens) {
  std::vector<float> z = gaussian(tokens * k, 7), gains = gaussian(k, 8);
  InputStatistics s;
  s.k = k;
  s.tokens = tokens;
  s.hessian.assign(k * k, 0);
  for (int64_t t = 0; t < tokens; ++t) {
    float *x = &z[t * k];
    float common = x[0];
    for (int64_t i = 1; i < k; ++i)
      x[i] = (0.7f * x[i - 1] + 0.7f * x[i] + 0.3f * common);
    for (int64_t i = 0; i < k; ++i)
      x[i] *= std::exp(gains[i]);
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < k; ++j)
        s.hessian[i * k + j] += x[i] * x[j] / static_cast<float>(tokens);
  }
  return s;
}

/// Processor time of all threads.
double seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Method {
  const char *name;
  MethodOptions options;
};

std::vector<Method> methods(unsigned threads) {
  MethodOptions rtn, mse, importance, gptq, natural, dynamic, descent, refit;
  mse.scales = ScaleMethod::Mse;
  importance.scales = ScaleMethod::Importance;
  gptq = importance;
  gptq.gptq = true;
  natural = dynamic = gptq;
  natural.activationOrder = dynamic.activationOrder = false;
  dynamic.dynamicScales = true;
  descent = refit = gptq;
  descent.descentSweeps = refit.descentSweeps = 3;
  refit.refitScales = true;
  std::vector<Method> all = {{"rtn", rtn},
                             {"mse", mse},
                             {"importance", importance},
                             {"gptq", gptq},
                             {"gptq natural", natural},
                             {"gptq dynamic", dynamic},
                             {"gptq descent", descent},
                             {"gptq refit", refit}};
  for (Method &m : all)
    m.options.threads = threads;
  return all;
}

} // namespace

int main(int argc, char **argv) {
  unsigned threads = argc > 1 ? std::atoi(argv[1]) : 1;
  struct Input {
    int64_t k;
    std::vector<int64_t> n;
    InputStatistics statistics;
  };
  std::vector<Input> inputs = {{576, {576, 192, 192, 576, 1536, 1536}, correlated(576, 2048)},
                               {1536, {576}, correlated(1536, 2048)}};
  Scheme minima = ggufScheme(GgufType::Q4_1);
  std::vector<std::pair<const char *, Scheme>> schemes = {
      {"int4 g32", integerScheme(4, 32, false)},
      {"int4 g64 zero", integerScheme(4, 64, true)},
      {"int4 g32 min", minima},
      {"int3 g32", integerScheme(3, 32, false)},
      {"iq4_nl", ggufScheme(GgufType::IQ4_NL)},
      {"q4_k", ggufScheme(GgufType::Q4_K)},
      {"iq4_xs", ggufScheme(GgufType::IQ4_XS)},
      {"int8 row", integerScheme(8, 0, false)}};
  for (Input &in : inputs) {
    double begin = seconds();
    auto factor = HessianFactor::make(in.statistics, 0.01, true);
    if (!factor)
      return 1;
    std::printf("factor of %lld: %.3f s\n", static_cast<long long>(in.k), seconds() - begin);
  }
  for (auto &[name, scheme] : schemes)
    for (Method &method : methods(threads)) {
      if (!checkMethod(scheme, method.options).empty())
        continue;
      double time = 0, error = 0;
      for (Input &in : inputs) {
        auto factor = HessianFactor::make(in.statistics, method.options.damping,
                                          method.options.activationOrder);
        for (int64_t n : in.n) {
          std::vector<float> w = gaussian(n * in.k, 9);
          QuantizedMatrix out;
          double begin = seconds();
          if (llvm::Error failed = quantizeMatrix(w.data(), n, in.k, scheme, &in.statistics,
                                                  method.options, out, nullptr, &*factor)) {
            std::printf("%s %s: %s\n", name, method.name,
                        llvm::toString(std::move(failed)).c_str());
            break;
          }
          time += seconds() - begin;
          if (n != 576)
            continue;
          std::vector<float> q = dequantize(out);
          error = outputError(w.data(), q.data(), n, in.k, &in.statistics).relative();
        }
      }
      std::printf("%-14s %-14s %7.3f s  error %.5f\n", name, method.name, time, error);
    }
  return 0;
}
