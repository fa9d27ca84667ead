//===- EmitTesting.h - What tests of emission share
//------------------------===//
//
// A directory that goes away with the test, and the check of an error's exit
// code.
//
//===----------------------------------------------------------------------===//
#ifndef QCC_TEST_UNIT_EMIT_EMITTESTING_H
#define QCC_TEST_UNIT_EMIT_EMITTESTING_H

#include "frontends/Common/Error.h"
#include "test/unit/TempDir.h"

#include <gtest/gtest.h>


namespace qcc {

/// Expects a ModelError with this code whose message holds `part`.
inline void expectError(llvm::Error error, ExitCode code, llvm::StringRef part) {
  ASSERT_TRUE(bool(error)) << "no error with '" << part.str() << "'";
  llvm::handleAllErrors(
      std::move(error),
      [&](const ModelError &e) {
        EXPECT_EQ(static_cast<int>(e.code()), static_cast<int>(code));
        EXPECT_TRUE(llvm::StringRef(e.what()).contains(part)) << e.what();
      },
      [&](const llvm::ErrorInfoBase &e) { ADD_FAILURE() << e.message(); });
}

template <typename T>
void expectError(llvm::Expected<T> value, ExitCode code, llvm::StringRef part) {
  expectError(value.takeError(), code, part);
}

} // namespace qcc

#endif // QCC_TEST_UNIT_EMIT_EMITTESTING_H
