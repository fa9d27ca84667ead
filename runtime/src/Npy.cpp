//===- Npy.cpp - NumPy's array files
//---------------------------------------===//
//
// See Npy.h. The header is a Python dictionary literal with the keys descr,
// fortran_order and shape, in any order.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/Npy.h"

#include "runtime/include/qcc/abi.h"

#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace qcc::rt {

/// numpy's own limit.
static constexpr size_t kMaxRank = 64;
static const char kMagic[] = "\x93NUMPY";
static constexpr size_t kMagicBytes = 6;
/// Python's reader refuses longer headers, too.
static constexpr size_t kMaxHeader = 1 << 20;

static const char *const kDescr[] = {"<f4", "<f2", "<i8", "<i4", "|i1", "|u1", "|b1", "<f8"};

std::string describeArray(int32_t type, const std::vector<int64_t> &shape) {
  std::string out = elementName(type);
  out += " [";
  for (size_t i = 0; i < shape.size(); ++i)
    out += format(i == 0 ? "%" PRId64 : ", %" PRId64, shape[i]);
  return out + "]";
}

bool arrayBytes(int32_t type, const std::vector<int64_t> &shape, uint64_t &out) {
  out = elementBytes(type);
  bool empty = false;
  for (int64_t d : shape) {
    if (d < 0)
      return false;
    empty |= d == 0;
    if (d != 0 && !multiply(out, static_cast<uint64_t>(d), out))
      return false;
  }
  if (empty)
    out = 0;
  return out <= INT64_MAX;
}

namespace {
/// Reads the dictionary.
class Parser {
public:
  Parser(const char *text, size_t size) : at(text), end(text + size) {}

  bool eat(char c) {
    skip();
    if (at == end || *at != c)
      return false;
    ++at;
    return true;
  }

  bool string(std::string &out) {
    skip();
    if (at == end || (*at != '\'' && *at != '"'))
      return false;
    char quote = *at++;
    const char *from = at;
    while (at != end && *at != quote)
      ++at;
    if (at == end)
      return false;
    out.assign(from, static_cast<size_t>(at - from));
    ++at;
    return true;
  }

  bool word(const char *text) {
    skip();
    size_t size = strlen(text);
    if (static_cast<size_t>(end - at) < size || memcmp(at, text, size) != 0)
      return false;
    at += size;
    return true;
  }

  bool shape(std::vector<int64_t> &out) {
    if (!eat('('))
      return false;
    while (!eat(')')) {
      int64_t value = 0;
      if (out.size() == kMaxRank || !number(value))
        return false;
      out.push_back(value);
      if (!eat(','))
        return eat(')');
    }
    return true;
  }

  bool atEnd() {
    skip();
    return at == end;
  }

private:
  void skip() {
    while (at != end && (*at == ' ' || *at == '\n' || *at == '\t'))
      ++at;
  }
  bool number(int64_t &out) {
    skip();
    const char *from = at;
    out = 0;
    for (; at != end && *at >= '0' && *at <= '9'; ++at)
      if (__builtin_mul_overflow(out, int64_t(10), &out) ||
          __builtin_add_overflow(out, int64_t(*at - '0'), &out))
        return false;
    return at != from;
  }

  const char *at, *end;
};
} // namespace

static bool parseDictionary(Parser parser, std::string &descr, bool &fortran,
                            std::vector<int64_t> &shape) {
  if (!parser.eat('{'))
    return false;
  unsigned seen = 0;
  while (!parser.eat('}')) {
    std::string key;
    if (!parser.string(key) || !parser.eat(':'))
      return false;
    unsigned bit = key == "descr" ? 1 : key == "fortran_order" ? 2 : key == "shape" ? 4 : 0;
    if (bit == 0 || (seen & bit))
      return false;
    seen |= bit;
    bool good = true;
    if (bit == 1)
      good = parser.string(descr);
    else if (bit == 2)
      good = (fortran = parser.word("True")) || parser.word("False");
    else
      good = parser.shape(shape);
    if (!good)
      return false;
    if (!parser.eat(',')) {
      if (!parser.eat('}'))
        return false;
      break;
    }
  }
  return seen == 7 && parser.atEnd();
}

static int32_t typeOfDescr(std::string descr) {
  if (descr.size() == 3 && (descr[0] == '=' || descr[0] == '|'))
    descr[0] = '<';
  for (int32_t type = 0; type < 8; ++type)
    if (descr.size() == 3 && strcmp(descr.c_str() + 1, kDescr[type] + 1) == 0 &&
        (descr[0] == '<' || elementBytes(type) == 1))
      return type;
  return -1;
}

Status parseNpyHeader(Span bytes, const std::string &name, NpyHeader &out) {
  const char *file = name.c_str();
  if (bytes.size < 10 || memcmp(bytes.data, kMagic, kMagicBytes) != 0)
    return fail(kWrongUse, "%s is no .npy file; write it with numpy.save", file);
  unsigned major = bytes.data[6];
  size_t start = major == 1 ? 10 : 12, length = 0;
  if (major < 1 || major > 3 || bytes.size < start)
    return fail(kWrongUse, "%s: version %u of .npy is not known", file, major);
  for (size_t i = start; i-- > 8;)
    length = length << 8 | bytes.data[i];
  if (length > kMaxHeader || length > bytes.size - start)
    return fail(kWrongUse, "%s is cut short inside its header", file);
  std::string descr;
  bool fortran = false;
  out.shape.clear();
  Parser parser(reinterpret_cast<const char *>(bytes.data) + start, length);
  if (!parseDictionary(parser, descr, fortran, out.shape))
    return fail(kWrongUse,
                "%s: its header is not that of one plain array; write it with "
                "numpy.save",
                file);
  out.type = typeOfDescr(descr);
  if (out.type < 0)
    return fail(kWrongUse,
                "%s: elements of type '%s' are not supported; convert to "
                "float32, float16, float64, int64, int32, int8, uint8 or bool, "
                "little-endian",
                file, descr.c_str());
  if (fortran && out.shape.size() > 1)
    return fail(kWrongUse, "%s is in Fortran order; save numpy.ascontiguousarray of it", file);
  out.size = start + length;
  return {};
}

static Status readOpenNpy(int fd, const std::string &path, Array &out) {
  struct stat info;
  if (fstat(fd, &info) != 0)
    return fail(kWrongUse, "cannot read %s: %s", path.c_str(), strerror(errno));
  if (!S_ISREG(info.st_mode))
    return fail(kWrongUse, "%s is not a regular file", path.c_str());
  uint64_t fileBytes = static_cast<uint64_t>(info.st_size);
  std::vector<uint8_t> start(fileBytes < kMaxHeader + 12 ? fileBytes : kMaxHeader + 12);
  ssize_t got = pread(fd, start.data(), start.size(), 0);
  if (got < 0)
    return fail(kWrongUse, "cannot read %s: %s", path.c_str(), strerror(errno));
  NpyHeader header;
  Status status = parseNpyHeader({start.data(), static_cast<size_t>(got)}, path, header);
  if (status.failed())
    return status;
  if (!arrayBytes(header.type, header.shape, out.bytes) || out.bytes != fileBytes - header.size)
    return fail(kWrongUse, "%s: its header says %s, but %" PRIu64 " bytes follow it", path.c_str(),
                describeArray(header.type, header.shape).c_str(), fileBytes - header.size);
  out.type = header.type;
  out.shape = header.shape;
  status = out.memory.reserve(out.bytes == 0 ? 1 : out.bytes, path.c_str(),
                              /*hugePages=*/false);
  if (status.failed())
    return status;
  for (uint64_t done = 0; done < out.bytes;) {
    got = pread(fd, out.memory.data() + done, out.bytes - done,
                static_cast<off_t>(header.size + done));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return fail(kWrongUse, "cannot read %s: %s", path.c_str(),
                  got == 0 ? "it became shorter" : strerror(errno));
    done += static_cast<uint64_t>(got);
  }
  return {};
}

Status readNpy(const std::string &path, Array &out) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail(kWrongUse, "cannot open %s: %s", path.c_str(), strerror(errno));
  Status status = readOpenNpy(fd, path, out);
  close(fd);
  return status;
}

std::string npyHeader(int32_t type, const std::vector<int64_t> &shape) {
  std::string dictionary =
      format("{'descr': '%s', 'fortran_order': False, 'shape': (", kDescr[type]);
  for (int64_t d : shape)
    dictionary += format("%" PRId64 ", ", d);
  if (shape.size() > 1)
    dictionary.resize(dictionary.size() - 2);
  else if (shape.size() == 1)
    dictionary.resize(dictionary.size() - 1);
  dictionary += "), }";
  // Padded so that the data starts at a multiple of 64.
  size_t start = dictionary.size() > 60000 ? 12 : 10;
  size_t total = (start + dictionary.size() + 1 + 63) / 64 * 64;
  dictionary.append(total - start - dictionary.size() - 1, ' ');
  dictionary += '\n';
  std::string out(kMagic, kMagicBytes);
  out += start == 10 ? '\1' : '\2';
  out += '\0';
  for (size_t i = 8, length = dictionary.size(); i < start; ++i, length >>= 8)
    out += static_cast<char>(length & 0xFF);
  return out + dictionary;
}

Status writeNpy(const std::string &path, int32_t type, const std::vector<int64_t> &shape,
                const void *data) {
  uint64_t bytes = 0;
  if (!arrayBytes(type, shape, bytes))
    return fail(kInternal, "%s: no array has the shape %s", path.c_str(),
                describeArray(type, shape).c_str());
  OutputFile file;
  Status status = file.open(path);
  std::string header = npyHeader(type, shape);
  if (!status.failed())
    status = file.write(header.data(), header.size());
  if (!status.failed())
    status = file.write(data, bytes);
  if (!status.failed())
    status = file.commit();
  return status;
}

} // namespace qcc::rt
