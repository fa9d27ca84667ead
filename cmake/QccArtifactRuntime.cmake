# Builds the runtime that goes into artifacts, for each of their machines, and copies what
# a static link needs from the C library's development files beside it, so that qcc's users
# need neither. Objects are made by explicit commands because one CMake project compiles
# for one machine.

find_program(QCC_CLANGXX clang++-22 REQUIRED)
find_program(QCC_LLVM_AR llvm-ar-22 REQUIRED)
find_program(QCC_LLVM_OBJCOPY llvm-objcopy-22 REQUIRED)
option(QCC_ARTIFACT_RUNTIMES "Build the runtime of artifacts" ON)
add_custom_target(qcc-artifact-runtimes ALL)

set(QCC_ARTIFACT_FLAGS
  -std=c++17 -Os -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections
  -fno-exceptions -fno-rtti -fno-threadsafe-statics
  -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-stack-protector
  -Wall -Wextra -Werror -Wno-unused-parameter -DNDEBUG
  -U_FORTIFY_SOURCE
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

# Objects of `sources` for a machine; their names go to `out`.
function(qcc_artifact_objects out arch triple sources flags)
  set(objects)
  foreach(source ${sources})
    file(RELATIVE_PATH name ${PROJECT_SOURCE_DIR} ${source})
    set(object ${PROJECT_BINARY_DIR}/artifact-runtime/${arch}/${name}.o)
    get_filename_component(directory ${object} DIRECTORY)
    file(MAKE_DIRECTORY ${directory})
    add_custom_command(
      OUTPUT ${object}
      COMMAND ${CCACHE} ${QCC_CLANGXX} --target=${triple} ${flags} ${QCC_ARTIFACT_FLAGS}
              -I${PROJECT_SOURCE_DIR} -I${PROJECT_BINARY_DIR} -MD -MF ${object}.d
              -c ${source} -o ${object}
      DEPENDS ${source} QccText
      DEPFILE ${object}.d
      COMMENT "Building ${arch} ${name}" VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(${out} ${objects} PARENT_SCOPE)
endfunction()

# The file that the compiler would link for `name`, to `out`. The C library's libm.a may be
# a linker script: then the first library it names.
function(qcc_find_system_file out triple name)
  execute_process(COMMAND ${QCC_CLANGXX} --target=${triple} -print-file-name=${name}
                  OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT EXISTS ${path})
    message(FATAL_ERROR "${name} for ${triple} is not installed: "
                        "libc6-dev and libgcc (cross packages for other machines)")
  endif()
  file(STRINGS ${path} script LIMIT_COUNT 8 REGEX "^GROUP")
  if(script MATCHES "GROUP *\\( *([^ )]+)")
    set(path ${CMAKE_MATCH_1})
    if(NOT EXISTS ${path})
      message(FATAL_ERROR "${name} for ${triple} refers to ${path}, which is absent")
    endif()
  endif()
  get_filename_component(path ${path} REALPATH)
  set(${out} ${path} PARENT_SCOPE)
endfunction()

# qcc_add_artifact_runtime(arch triple compiler-flags...)
function(qcc_add_artifact_runtime arch triple)
  if(NOT QCC_ARTIFACT_RUNTIMES)
    return()
  endif()
  set(directory ${PROJECT_BINARY_DIR}/lib/qcc/${arch})
  file(MAKE_DIRECTORY ${directory})
  get_target_property(text_sources QccText SOURCES)
  list(FILTER text_sources INCLUDE REGEX "\\.cpp$")
  list(TRANSFORM text_sources PREPEND ${PROJECT_SOURCE_DIR}/runtime/text/)
  set(src ${PROJECT_SOURCE_DIR}/runtime/src)
  set(core ${src}/CpuFeatures.cpp ${src}/Freestanding.cpp ${src}/Memory.cpp ${src}/Program.cpp
      ${src}/Support.cpp ${src}/ThreadTeam.cpp ${src}/WeightsMap.cpp)
  set(tensor ${core} ${src}/Npy.cpp ${src}/Options.cpp ${src}/TensorModel.cpp
      ${src}/TensorModelMain.cpp)
  set(lm ${core} ${text_sources} ${src}/Npy.cpp ${src}/Options.cpp ${src}/LanguageModel.cpp
      ${src}/LanguageModelMain.cpp ${src}/Generate.cpp ${src}/Chat.cpp ${src}/Bench.cpp
      ${src}/Eval.cpp ${src}/MultipleChoice.cpp ${src}/Sampler.cpp)
  set(library ${core} ${src}/Library.cpp)
  set(all ${tensor} ${lm} ${library})
  list(REMOVE_DUPLICATES all)
  qcc_artifact_objects(objects ${arch} ${triple} "${all}" "${ARGN}")

  set(outputs)
  foreach(kind lm tensor library)
    set(parts)
    foreach(source ${${kind}})
      file(RELATIVE_PATH name ${PROJECT_SOURCE_DIR} ${source})
      list(APPEND parts ${PROJECT_BINARY_DIR}/artifact-runtime/${arch}/${name}.o)
    endforeach()
    set(archive ${directory}/libqccrt_${kind}.a)
    add_custom_command(OUTPUT ${archive}
      COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
      COMMAND ${QCC_LLVM_AR} rcsD ${archive} ${parts}
      DEPENDS ${parts} VERBATIM)
    list(APPEND outputs ${archive})
  endforeach()
  foreach(name crt1.o crti.o crtbeginT.o crtend.o crtn.o crtbeginS.o crtendS.o libc.a libm.a
               libgcc.a libgcc_eh.a libc.so.6 libm.so.6)
    qcc_find_system_file(from ${triple} ${name})
    set(copy ${CMAKE_COMMAND} -E copy)
    if(name MATCHES "\\.a$")
      # Nothing is ever thrown or unwound in an artifact: its tables are dead weight.
      set(copy ${QCC_LLVM_OBJCOPY} --strip-debug --remove-section=.eh_frame
               --remove-section=.gcc_except_table)
    endif()
    add_custom_command(OUTPUT ${directory}/${name}
      COMMAND ${copy} ${from} ${directory}/${name}
      DEPENDS ${from} VERBATIM)
    list(APPEND outputs ${directory}/${name})
  endforeach()
  add_custom_target(qcc-artifact-runtime-${arch} DEPENDS ${outputs})
  add_dependencies(qcc-artifact-runtimes qcc-artifact-runtime-${arch})
  install(DIRECTORY ${directory} DESTINATION lib/qcc)
endfunction()
