//===- Support.h - Errors, text and files of the runtime
//-------------------===//
//
// The few things that every part of the runtime uses. The runtime goes into
// every artifact, so it has no exceptions, no RTTI, no streams and no locale.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_SRC_SUPPORT_H
#define QCC_RUNTIME_SRC_SUPPORT_H

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace qcc::rt {

/// What a program ends with.
enum ExitCode : int {
  kDone = 0,
  kWrongUse = 1,     ///< wrong options or input files
  kBadFile = 2,      ///< the artifact is damaged or unreadable
  kNotSupported = 3, ///< this machine lacks what the program needs
  kNoRoom = 4,       ///< memory or disk
  kInternal = 5      ///< the program disagrees with itself
};

/// Done, or an exit code with a sentence that says what was wrong and what to
/// do.
struct [[nodiscard]] Status {
  int code = kDone;
  std::string message;
  bool failed() const { return code != kDone; }
};

/// printf into a string.
std::string format(const char *text, ...) __attribute__((format(printf, 1, 2)));

/// A failed Status with a printf-formatted message.
Status fail(ExitCode code, const char *text, ...) __attribute__((format(printf, 2, 3)));

/// Writes "<program>: <message>" to stderr; returns the code.
int report(const char *program, const Status &status);

/// Bytes that someone else owns.
struct Span {
  const uint8_t *data = nullptr;
  size_t size = 0;
};

/// Reads a whole file ("-": standard input). Fails with kWrongUse.
Status readFile(const std::string &path, std::string &out);

/// The same for text: CR LF becomes LF, as text files are read elsewhere.
Status readText(const std::string &path, std::string &out);

/// A file that gets its name only when it is whole.
class OutputFile {
public:
  OutputFile() = default;
  ~OutputFile();
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  /// Opens a temporary file beside `path`.
  Status open(const std::string &path);
  Status write(const void *data, size_t size);
  /// Renames it to `path`.
  Status commit();

private:
  std::string path, temporary;
  int fd = -1;
};

/// Seconds of a clock that never goes back.
double now();

/// Appends `text` as a JSON string with its quotes; bytes that are not UTF-8
/// become U+FFFD.
void appendJsonString(std::string &out, const char *text, size_t size);
std::string jsonString(const std::string &text);

/// "12.3 MiB".
std::string humanBytes(uint64_t bytes);

/// Reads a whole decimal number; false when `text` is anything else or out of
/// range.
bool parseInt(const char *text, int64_t &out);
bool parseDouble(const char *text, double &out);

/// Integers separated by blanks or commas.
Status parseInts(const std::string &text, const char *what, std::vector<int64_t> &out);

/// a * b for sizes; false when it overflows.
inline bool multiply(uint64_t a, uint64_t b, uint64_t &out) {
  return !__builtin_mul_overflow(a, b, &out);
}

/// Bytes of one element.
size_t elementBytes(int32_t qccType);
/// "float32", ...
const char *elementName(int32_t qccType);

} // namespace qcc::rt

#endif // QCC_RUNTIME_SRC_SUPPORT_H
