//===- WeightsMap.h - What follows the program in its file
//-----------------===//
//
// Weights, tokenizer, chat template and report are mapped read-only from the artifact
// itself (or from a file beside it): nothing is loaded or copied, and processes
// share them.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_SRC_WEIGHTSMAP_H
#define QCC_RUNTIME_SRC_WEIGHTSMAP_H

#include "runtime/include/qcc/abi.h"
#include "runtime/src/Support.h"

namespace qcc::rt {

class WeightsMap {
public:
  WeightsMap() = default;
  ~WeightsMap();
  WeightsMap(const WeightsMap &) = delete;
  WeightsMap &operator=(const WeightsMap &) = delete;

  /// Maps the sections of this program: from its own file, or when that ends
  /// without a trailer from "<program>.weights" beside it. Fails with kBadFile.
  Status openProgram(const QccModel &model);

  /// The same for a shared library: the file that holds the code at `address`.
  Status openLibrary(const QccModel &model, const void *address);

  /// Maps the sections of one file. Fails with kBadFile.
  Status openFile(const QccModel &model, const std::string &path);

  Span weights, tokenizer, chatTemplate;
  Span report; ///< what the compiler measured: "key: value" lines
  uint64_t fileSize = 0;

private:
  Status openOwn(const QccModel &model, const std::string &path, const std::string &shown);
  Status map(const QccModel &model, int fd, const std::string &shown);

  void *mapping = nullptr;
  size_t mappedBytes = 0;
};

/// Checks a trailer against the file's size and the model. `name` is for
/// messages.
Status checkTrailer(const QccTrailer &trailer, uint64_t fileSize, int64_t weightBytes,
                    const char *name);

} // namespace qcc::rt

#endif // QCC_RUNTIME_SRC_WEIGHTSMAP_H
