//===- Npy.h - NumPy's array files
//-----------------------------------------===//
//
// Reads and writes .npy files (numpy/lib/format.py: versions 1 to 3, C order,
// little-endian) of the element types at a model's boundary. A file is hostile
// data: sizes are checked against its length before anything is allocated.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_RUNTIME_SRC_NPY_H
#define QCC_RUNTIME_SRC_NPY_H

#include "runtime/src/Memory.h"

namespace qcc::rt {

/// An array in memory of its own, 64-byte aligned.
struct Array {
  int32_t type = 0; ///< QccType
  std::vector<int64_t> shape;
  uint64_t bytes = 0;
  Memory memory;
};

/// "float32 [1, 128]".
std::string describeArray(int32_t type, const std::vector<int64_t> &shape);

/// Number of bytes of an array; false when it overflows or a dimension is
/// negative.
bool arrayBytes(int32_t type, const std::vector<int64_t> &shape, uint64_t &out);

/// What the header of a .npy file says, and how long the header is.
struct NpyHeader {
  int32_t type = 0;
  std::vector<int64_t> shape;
  size_t size = 0;
};

/// Reads the header at the start of `bytes`. `name` is for messages. Fails with
/// kWrongUse.
Status parseNpyHeader(Span bytes, const std::string &name, NpyHeader &out);

/// Reads a whole file.
Status readNpy(const std::string &path, Array &out);

/// The header of an array.
std::string npyHeader(int32_t type, const std::vector<int64_t> &shape);

/// Writes a whole file under a temporary name that is then renamed.
Status writeNpy(const std::string &path, int32_t type, const std::vector<int64_t> &shape,
                const void *data);

} // namespace qcc::rt

#endif // QCC_RUNTIME_SRC_NPY_H
