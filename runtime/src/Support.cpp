//===- Support.cpp - Errors, text and files of the runtime
//-----------------===//
//
// See Support.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/Support.h"

#include "runtime/include/qcc/abi.h"

#include <cerrno>
#include <cmath>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

namespace qcc::rt {

static std::string formatList(const char *text, va_list list) {
  char small[512];
  va_list again;
  va_copy(again, list);
  int size = vsnprintf(small, sizeof small, text, list);
  std::string out;
  if (size >= 0 && static_cast<size_t>(size) < sizeof small) {
    out.assign(small, static_cast<size_t>(size));
  } else if (size > 0) {
    out.resize(static_cast<size_t>(size) + 1);
    vsnprintf(&out[0], out.size(), text, again);
    out.resize(static_cast<size_t>(size));
  }
  va_end(again);
  return out;
}

std::string format(const char *text, ...) {
  va_list list;
  va_start(list, text);
  std::string out = formatList(text, list);
  va_end(list);
  return out;
}

Status fail(ExitCode code, const char *text, ...) {
  va_list list;
  va_start(list, text);
  Status status{code, formatList(text, list)};
  va_end(list);
  return status;
}

int report(const char *program, const Status &status) {
  if (status.failed())
    fprintf(stderr, "%s: %s\n", program, status.message.c_str());
  return status.code;
}

Status readFile(const std::string &path, std::string &out) {
  out.clear();
  bool standardInput = path == "-";
  int fd = standardInput ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail(kWrongUse, "cannot open %s: %s", path.c_str(), strerror(errno));
  struct stat info;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
    out.reserve(static_cast<size_t>(info.st_size));
  std::vector<char> buffer(1 << 16);
  Status status;
  while (true) {
    ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      status = fail(kWrongUse, "cannot read %s: %s", path.c_str(), strerror(errno));
    if (got <= 0)
      break;
    out.append(buffer.data(), static_cast<size_t>(got));
  }
  if (!standardInput)
    close(fd);
  return status;
}

Status readText(const std::string &path, std::string &out) {
  Status status = readFile(path, out);
  size_t to = 0;
  for (size_t i = 0; i < out.size(); ++i)
    if (out[i] != '\r' || i + 1 == out.size() || out[i + 1] != '\n')
      out[to++] = out[i];
  out.resize(to);
  return status;
}

static ExitCode codeOfWriteError() {
  return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? kNoRoom : kWrongUse;
}

OutputFile::~OutputFile() {
  if (fd < 0)
    return;
  close(fd);
  unlink(temporary.c_str());
}

Status OutputFile::open(const std::string &where) {
  path = where;
  temporary = format("%s.%ld.tmp", where.c_str(), static_cast<long>(getpid()));
  fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0)
    return fail(codeOfWriteError(), "cannot write %s: %s", where.c_str(), strerror(errno));
  return {};
}

Status OutputFile::write(const void *data, size_t size) {
  const char *from = static_cast<const char *>(data);
  while (size != 0) {
    ssize_t done = ::write(fd, from, size);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return fail(codeOfWriteError(), "cannot write %s: %s", path.c_str(), strerror(errno));
    from += done;
    size -= static_cast<size_t>(done);
  }
  return {};
}

Status OutputFile::commit() {
  bool closed = close(fd) == 0;
  fd = -1;
  if (closed && rename(temporary.c_str(), path.c_str()) == 0)
    return {};
  Status status = fail(codeOfWriteError(), "cannot write %s: %s", path.c_str(), strerror(errno));
  unlink(temporary.c_str());
  return status;
}

double now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Length of the UTF-8 sequence at the start of text, or 0 when it is not one.
static size_t utf8Length(const unsigned char *text, size_t size) {
  unsigned char first = text[0];
  if (first < 0x80)
    return 1;
  size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || length > size)
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((text[i] & 0xC0) != 0x80)
      return 0;
  // Overlong forms, surrogates, and what lies above U+10FFFF.
  if ((first == 0xE0 && text[1] < 0xA0) || (first == 0xED && text[1] > 0x9F) ||
      (first == 0xF0 && text[1] < 0x90) || (first == 0xF4 && text[1] > 0x8F))
    return 0;
  return length;
}

void appendJsonString(std::string &out, const char *text, size_t size) {
  out += '"';
  for (size_t i = 0; i < size;) {
    unsigned char c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
      ++i;
    } else if (c < 0x20 || c == 0x7F) {
      out += format("\\u%04x", c);
      ++i;
    } else {
      size_t length = utf8Length(reinterpret_cast<const unsigned char *>(text) + i, size - i);
      if (length == 0)
        out += "\xEF\xBF\xBD";
      else
        out.append(text + i, length);
      i += length == 0 ? 1 : length;
    }
  }
  out += '"';
}

std::string jsonString(const std::string &text) {
  std::string out;
  appendJsonString(out, text.data(), text.size());
  return out;
}

std::string humanBytes(uint64_t bytes) {
  if (bytes < 1024)
    return format("%d bytes", static_cast<int>(bytes));
  const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes) / 1024;
  int unit = 0;
  for (; value >= 1024 && unit < 3; ++unit)
    value /= 1024;
  return format("%.1f %s", value, units[unit]);
}

bool parseInt(const char *text, int64_t &out) {
  char *end = nullptr;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (end == text || *end != 0 || errno != 0)
    return false;
  out = value;
  return true;
}

bool parseDouble(const char *text, double &out) {
  char *end = nullptr;
  double value = strtod(text, &end);
  if (end == text || *end != 0 || !std::isfinite(value))
    return false;
  out = value;
  return true;
}

Status parseInts(const std::string &text, const char *what, std::vector<int64_t> &out) {
  out.clear();
  const char *const blanks = " ,\t\r\n";
  for (size_t at = 0;;) {
    at = text.find_first_not_of(blanks, at);
    if (at == std::string::npos)
      return {};
    size_t end = text.find_first_of(blanks, at);
    if (end == std::string::npos)
      end = text.size();
    std::string word = text.substr(at, end - at);
    int64_t value = 0;
    if (!parseInt(word.c_str(), value))
      return fail(kWrongUse, "%s: '%s' is not an integer", what, word.c_str());
    out.push_back(value);
    at = end;
  }
}

size_t elementBytes(int32_t type) {
  switch (type) {
  case QCC_F64:
  case QCC_I64:
    return 8;
  case QCC_F32:
  case QCC_I32:
    return 4;
  case QCC_F16:
    return 2;
  default:
    return 1;
  }
}

const char *elementName(int32_t type) {
  static const char *const names[] = {"float32", "float16", "int64", "int32",
                                      "int8",    "uint8",   "bool",  "float64"};
  return type >= 0 && type < 8 ? names[type] : "unknown";
}

} // namespace qcc::rt
