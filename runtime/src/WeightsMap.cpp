//===- WeightsMap.cpp - What follows the program in its file
//---------------===//
//
// See WeightsMap.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/WeightsMap.h"

#include <cerrno>
#include <cinttypes>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace qcc::rt {

static constexpr uint64_t kAlignment = 64;

WeightsMap::~WeightsMap() {
  if (mapping != nullptr)
    munmap(mapping, mappedBytes);
}

static Status checkSection(const char *what, uint64_t offset, uint64_t size, uint64_t alignment,
                           uint64_t end, const char *name) {
  if (size == 0)
    return {};
  if (offset % alignment == 0 && size <= end && offset <= end - size)
    return {};
  return fail(kBadFile,
              "%s is damaged: its %s (%" PRIu64 " bytes at %" PRIu64
              ") lie outside the file or are misplaced; copy it again",
              name, what, size, offset);
}

Status checkTrailer(const QccTrailer &trailer, uint64_t fileSize, int64_t weightBytes,
                    const char *name) {
  if (memcmp(trailer.magic, QCC_TRAILER_MAGIC, sizeof trailer.magic) != 0)
    return fail(kBadFile,
                "%s is incomplete: its %" PRIu64
                " bytes do not end with a trailer, as if a copy was cut "
                "short; copy or compile it again",
                name, fileSize);
  if (trailer.file_size != fileSize)
    return fail(kBadFile,
                "%s is damaged: it has %" PRIu64 " bytes and was written with "
                "%" PRIu64 "; copy it again",
                name, fileSize, trailer.file_size);
  uint64_t end = fileSize - sizeof trailer;
  struct {
    const char *what;
    uint64_t offset, size, alignment;
  } const sections[] = {
      {"weights", trailer.weights_offset, trailer.weights_size, QCC_SECTION_ALIGN},
      {"tokenizer", trailer.tokenizer_offset, trailer.tokenizer_size, kAlignment},
      {"chat template", trailer.template_offset, trailer.template_size, 1},
      {"report", trailer.report_offset, trailer.report_size, 1}};
  for (const auto &s : sections) {
    Status status = checkSection(s.what, s.offset, s.size, s.alignment, end, name);
    if (status.failed())
      return status;
  }
  if (weightBytes < 0 || trailer.weights_size != static_cast<uint64_t>(weightBytes))
    return fail(kBadFile,
                "%s does not belong to this program: it holds %" PRIu64
                " bytes of weights, and %" PRId64 " are needed",
                name, trailer.weights_size, weightBytes);
  return {};
}

Status WeightsMap::map(const QccModel &model, int fd, const std::string &shown) {
  struct stat info;
  if (fstat(fd, &info) != 0 || info.st_size < 0)
    return fail(kBadFile, "cannot read %s: %s", shown.c_str(), strerror(errno));
  fileSize = static_cast<uint64_t>(info.st_size);
  QccTrailer trailer;
  memset(&trailer, 0, sizeof trailer);
  if (fileSize >= sizeof trailer &&
      pread(fd, &trailer, sizeof trailer, static_cast<off_t>(fileSize - sizeof trailer)) !=
          static_cast<ssize_t>(sizeof trailer))
    return fail(kBadFile, "cannot read %s: %s", shown.c_str(), strerror(errno));
  Status status = checkTrailer(trailer, fileSize, model.weight_bytes, shown.c_str());
  if (status.failed())
    return status;

  // One mapping from the first section (aligned to any page size) to the end.
  uint64_t first = fileSize;
  if (trailer.weights_size != 0)
    first = trailer.weights_offset;
  if (trailer.tokenizer_size != 0 && trailer.tokenizer_offset < first)
    first = trailer.tokenizer_offset;
  if (trailer.template_size != 0 && trailer.template_offset < first)
    first = trailer.template_offset;
  if (trailer.report_size != 0 && trailer.report_offset < first)
    first = trailer.report_offset;
  first -= first % QCC_SECTION_ALIGN;
  if (first == fileSize)
    return {};
  mappedBytes = fileSize - first;
  void *pages = mmap(nullptr, mappedBytes, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(first));
  if (pages == MAP_FAILED)
    return fail(kNoRoom, "cannot map %s: %s", shown.c_str(), strerror(errno));
  mapping = pages;
  madvise(pages, mappedBytes, MADV_WILLNEED);
  const uint8_t *base = static_cast<const uint8_t *>(pages);
  auto section = [&](uint64_t offset, uint64_t size) {
    return size == 0 ? Span{} : Span{base + (offset - first), size};
  };
  weights = section(trailer.weights_offset, trailer.weights_size);
  tokenizer = section(trailer.tokenizer_offset, trailer.tokenizer_size);
  chatTemplate = section(trailer.template_offset, trailer.template_size);
  report = section(trailer.report_offset, trailer.report_size);
  return {};
}

Status WeightsMap::openFile(const QccModel &model, const std::string &path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail(kBadFile, "cannot open %s: %s", path.c_str(), strerror(errno));
  Status status = map(model, fd, path);
  close(fd);
  return status;
}

/// Whether a file ends as an artifact does.
static bool hasTrailer(int fd) {
  char magic[8];
  off_t end = lseek(fd, 0, SEEK_END);
  return end >= static_cast<off_t>(sizeof(QccTrailer)) &&
         pread(fd, magic, sizeof magic, end - 8) == 8 &&
         memcmp(magic, QCC_TRAILER_MAGIC, sizeof magic) == 0;
}

Status WeightsMap::openOwn(const QccModel &model, const std::string &path,
                           const std::string &shown) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail(kBadFile, "cannot open %s: %s", shown.c_str(), strerror(errno));
  std::string beside = shown + ".weights";
  bool own = hasTrailer(fd);
  Status status;
  if (!own && model.weights != nullptr)
    weights = {model.weights, static_cast<size_t>(model.weight_bytes)};
  else if (!own && access(beside.c_str(), F_OK) == 0)
    status = openFile(model, beside);
  else
    status = map(model, fd, shown);
  close(fd);
  return status;
}

Status WeightsMap::openProgram(const QccModel &model) {
  // The link survives a rename; the name is for messages and the file beside
  // it.
  std::vector<char> name(4096);
  ssize_t size = readlink("/proc/self/exe", name.data(), name.size());
  std::string shown =
      size > 0 ? std::string(name.data(), size_t(size)) : std::string("/proc/self/exe");
  return openOwn(model, "/proc/self/exe", shown);
}

/// The file that is mapped at an address of this process.
static std::string fileAt(const void *address) {
  std::string maps;
  if (readFile("/proc/self/maps", maps).failed())
    return {};
  uint64_t wanted = reinterpret_cast<uintptr_t>(address);
  for (size_t at = 0; at < maps.size();) {
    size_t end = maps.find('\n', at);
    if (end == std::string::npos)
      end = maps.size();
    std::string line = maps.substr(at, end - at);
    at = end + 1;
    char *rest = nullptr;
    uint64_t from = strtoull(line.c_str(), &rest, 16);
    uint64_t to = *rest == '-' ? strtoull(rest + 1, nullptr, 16) : 0;
    if (wanted < from || wanted >= to)
      continue;
    size_t path = line.find('/');
    return path == std::string::npos ? std::string() : line.substr(path);
  }
  return {};
}

Status WeightsMap::openLibrary(const QccModel &model, const void *address) {
  std::string path = fileAt(address);
  if (path.empty())
    return fail(kBadFile, "cannot tell from which file this library was "
                          "loaded; name the file of its weights");
  return openOwn(model, path, path);
}

} // namespace qcc::rt
