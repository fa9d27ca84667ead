//===- Freestanding.cpp - What the C++ library would bring along
//-----------===//
//
// std::vector and std::string refer to functions that throw, and those would
// pull exceptions, the unwinder and locales into every artifact: more than all
// the rest. Here they end the program with a sentence instead; sizes are
// checked before.
//
//===----------------------------------------------------------------------===//
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <unistd.h>

using std::align_val_t;
using std::nothrow_t;

[[noreturn]] static void die(const char *what, int code) {
  ssize_t ignored = write(STDERR_FILENO, what, strlen(what));
  (void)ignored;
  _exit(code);
}

[[noreturn]] static void outOfMemory() { die("error: out of memory\n", 4); }

static void *allocate(size_t size) {
  void *memory = malloc(size == 0 ? 1 : size);
  if (memory == nullptr)
    outOfMemory();
  return memory;
}

void *operator new(size_t size) { return allocate(size); }
void *operator new[](size_t size) { return allocate(size); }
void *operator new(size_t size, const nothrow_t &) noexcept { return malloc(size == 0 ? 1 : size); }
void *operator new(size_t size, align_val_t alignment) {
  void *memory = nullptr;
  if (posix_memalign(&memory, static_cast<size_t>(alignment), size) != 0)
    outOfMemory();
  return memory;
}
void *operator new(size_t size, align_val_t alignment, const nothrow_t &) noexcept {
  void *memory = nullptr;
  return posix_memalign(&memory, static_cast<size_t>(alignment), size) == 0 ? memory : nullptr;
}
void operator delete(void *memory, align_val_t) noexcept { free(memory); }
void operator delete(void *memory, size_t, align_val_t) noexcept { free(memory); }
void operator delete(void *memory) noexcept { free(memory); }
void operator delete[](void *memory) noexcept { free(memory); }
void operator delete(void *memory, size_t) noexcept { free(memory); }
void operator delete[](void *memory, size_t) noexcept { free(memory); }

namespace std {
const nothrow_t nothrow{};
void __throw_length_error(const char *) { outOfMemory(); }
void __throw_bad_alloc() { outOfMemory(); }
void __throw_bad_array_new_length() { outOfMemory(); }
void __throw_logic_error(const char *) { die("internal error\n", 5); }
void __throw_invalid_argument(const char *) { die("internal error\n", 5); }
void __throw_runtime_error(const char *) { die("internal error\n", 5); }
void __throw_out_of_range(const char *) { die("internal error\n", 5); }
void __throw_out_of_range_fmt(const char *, ...) { die("internal error\n", 5); }
void __throw_bad_function_call() { die("internal error\n", 5); }
void __throw_bad_optional_access() { die("internal error\n", 5); }
void __throw_bad_variant_access(const char *) { die("internal error\n", 5); }
} // namespace std

// The headers leave std::string's members to libstdc++, whose own file of them
// refers to streams.
template class std::basic_string<char>;

// Asks, without type information, whether a shared_ptr was made by make_shared
// of another library that has it; there is none here.
bool std::_Sp_make_shared_tag::_S_eq(const std::type_info &) noexcept { return false; }

extern "C" void __cxa_pure_virtual() { die("internal error\n", 5); }
