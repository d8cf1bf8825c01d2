# sofia::sofia from Debian's source, with AddressSanitizer and the fuzzer's coverage: tests/fuzz/sofia.sh.
add_custom_target(sofia_build COMMAND ${CMAKE_CURRENT_LIST_DIR}/sofia.sh ${PROJECT_BINARY_DIR}/sofia
    BYPRODUCTS ${PROJECT_BINARY_DIR}/sofia/libsofia.a USES_TERMINAL)
add_library(sofia_instrumented STATIC IMPORTED GLOBAL)
set_target_properties(sofia_instrumented PROPERTIES
    IMPORTED_LOCATION ${PROJECT_BINARY_DIR}/sofia/libsofia.a
    INTERFACE_INCLUDE_DIRECTORIES "${sofia_INCLUDE_DIRS}")
add_dependencies(sofia_instrumented sofia_build)
add_library(sofia::sofia ALIAS sofia_instrumented)
