# layer(<name> <dir> DEPS <layers...> [LIBS <external libs...>])
#
# One folder = one static library = one include root. The root holds a single link named after the
# layer, so headers are spelled "<layer>/<file>.h" and are visible only to targets that link the
# layer: a forbidden include cannot build. A folder without sources yet is skipped.
function(layer name dir)
  cmake_parse_arguments(L "" "" "DEPS;LIBS" ${ARGN})
  set(src ${PROJECT_SOURCE_DIR}/${dir})
  set(root ${PROJECT_BINARY_DIR}/layers/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${src}/*.c)
  list(FILTER sources EXCLUDE REGEX "_main\\.c$|/main\\.c$")
  if(NOT sources)
    return()
  endif()
  file(MAKE_DIRECTORY ${root})
  if(NOT IS_SYMLINK ${root}/${name})
    file(CREATE_LINK ${src} ${root}/${name} SYMBOLIC)
  endif()
  file(GLOB headers CONFIGURE_DEPENDS ${root}/${name}/*.h)
  add_library(${name} STATIC ${sources})
  target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${root} FILES ${headers})
  set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  target_link_libraries(${name} PUBLIC ${L_DEPS} PRIVATE ${L_LIBS} project_options)
endfunction()

# unit_test(<name> <source> LINK <targets...> [ENV <VAR=value...>])
#
# One Criterion executable and one ctest entry. ctest sees the folder as a label.
function(unit_test name source)
  cmake_parse_arguments(T "" "" "LINK;ENV" ${ARGN})
  add_executable(test_${name} ${source})
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE ${T_LINK} criterion project_options)
  add_test(NAME ${name} COMMAND test_${name} --short-filename
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 ENVIRONMENT "${T_ENV}")
endfunction()

# A target that builds several others: what a preset with special flags can build at all.
function(gather all one)
  if(NOT TARGET ${all})
    add_custom_target(${all})
  endif()
  add_dependencies(${all} ${one})
endfunction()

# race_test(<name> <source> LINK <targets...>): a plain executable, the form that runs under TSan.
function(race_test name source)
  cmake_parse_arguments(T "" "" "LINK" ${ARGN})
  add_executable(race_${name} ${source})
  target_include_directories(race_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(race_${name} PRIVATE ${T_LINK} project_options)
  add_test(NAME race_${name} COMMAND race_${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(race_${name} PROPERTIES TIMEOUT 300 LABELS race)
  gather(race_programs race_${name})
endfunction()

# fuzz_target(<name> <source> LINK <targets...>): with FUZZ=ON a libFuzzer binary; always a ctest
# entry that replays the corpus in tests/fuzz/<name>/.
function(fuzz_target name source)
  cmake_parse_arguments(T "" "" "LINK" ${ARGN})
  add_executable(fuzz_${name} ${source})
  target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(fuzz_${name} PRIVATE ${T_LINK} project_options)
  if(FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/replay.c)
  endif()
  gather(fuzz_programs fuzz_${name})
  file(GLOB corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/${name}/*)
  add_test(NAME fuzz_${name} COMMAND fuzz_${name} ${corpus})
  set_tests_properties(fuzz_${name} PROPERTIES TIMEOUT 120 LABELS fuzz)
endfunction()
