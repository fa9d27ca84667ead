//===- Program.cpp - A compiled model, ready to be called
//------------------===//
//
// See Program.h.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/Program.h"

#include "runtime/src/CpuFeatures.h"

#include <cinttypes>
#include <cstring>

namespace qcc::rt {

Status Program::check() const {
  if (model.version != QCC_ABI_VERSION)
    return fail(kInternal,
                "%s was compiled for version %u of the runtime and linked with "
                "version %u",
                model.name, model.version, QCC_ABI_VERSION);
  return checkProcessor(model.name, model.features);
}

Status Program::open(int64_t threads) {
  Status status = check();
  if (status.failed())
    return status;
  reportIllegalInstructions();
  if (threads < 0 || threads > UINT16_MAX)
    return fail(kWrongUse, "-t %" PRId64 ": no such number of threads", threads);
  status = file.openProgram(model);
  if (status.failed())
    return status;
  return team.start(static_cast<unsigned>(threads));
}

const QccEntry *Program::entry(const char *name) const {
  for (uint32_t i = 0; i < model.num_entries; ++i)
    if (strcmp(model.entries[i].name, name) == 0)
      return &model.entries[i];
  return nullptr;
}

size_t sizesCount(const QccEntry &entry) {
  size_t count = 1;
  for (int32_t i = 0; i < entry.num_outputs; ++i)
    count += static_cast<size_t>(entry.outputs[i].rank);
  return count;
}

std::vector<int64_t> Program::sizes(const QccEntry &entry, const int64_t *dims) const {
  std::vector<int64_t> out(sizesCount(entry));
  entry.sizes(dims, team.size(), out.data());
  return out;
}

Status Program::reserveArena(const QccEntry &entry, const int64_t *dims) {
  int64_t bytes = sizes(entry, dims)[0];
  if (bytes < 0)
    return fail(kNoRoom, "%s of %s needs more memory than can be counted", entry.name, model.name);
  return arena.reserve(static_cast<uint64_t>(bytes), "intermediate results",
                       /*hugePages=*/true);
}

namespace {
struct Call {
  const QccEntry *entry;
  QccFrame frame;
};
} // namespace

Status Program::call(const QccEntry &entry, const int64_t *dims, const void *const *inputs,
                     void *const *outputs, uint8_t *state, uint8_t *scratch) {
  if (scratch == nullptr) {
    Status status = reserveArena(entry, dims);
    if (status.failed())
      return status;
    scratch = arena.data();
  }
  Call call{
      &entry,
      {file.weights.data, scratch, state, inputs, outputs, dims, team.size(), team.barrier()}};
  team.run(
      [](const void *argument, int64_t thread) {
        const Call *call = static_cast<const Call *>(argument);
        call->entry->run(&call->frame, thread);
      },
      &call);
  return {};
}

std::string describeProgram(const Program &program) {
  const QccModel &model = program.model;
  std::string out = format("name: %s\n", model.name);
  if (model.info != nullptr && *model.info != 0) {
    out += model.info;
    if (out.back() != '\n')
      out += '\n';
  }
  const Span &report = program.file.report;
  if (report.size != 0) {
    out.append(reinterpret_cast<const char *>(report.data), report.size);
    if (out.back() != '\n')
      out += '\n';
  }
  out += format("features: %s\n", model.features);
  out += format("threads: %u\n", program.team.size());
  out += format("file bytes: %" PRIu64 "\n", program.file.fileSize);
  out += format("weight bytes: %" PRId64 "\n", model.weight_bytes);
  return out;
}

std::string linesToJson(const std::string &lines) {
  std::string out = "{";
  for (size_t at = 0; at < lines.size();) {
    size_t end = lines.find('\n', at);
    if (end == std::string::npos)
      end = lines.size();
    std::string line = lines.substr(at, end - at);
    at = end + 1;
    size_t colon = line.find(": ");
    if (colon == std::string::npos)
      continue;
    std::string value = line.substr(colon + 2);
    int64_t integer = 0;
    out += out.size() == 1 ? "" : ", ";
    out += jsonString(line.substr(0, colon)) + ": ";
    out += parseInt(value.c_str(), integer) ? format("%" PRId64, integer) : jsonString(value);
  }
  return out + "}\n";
}

} // namespace qcc::rt
