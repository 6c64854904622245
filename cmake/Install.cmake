# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What `cmake --install` puts where: the compiler, its manual page and completions, the runtime
# sources, and the CMake package (find_package(Grus), grus_add_model()).
include(CMakePackageConfigHelpers)

if(TARGET grus)
  install(TARGETS grus RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  set(share ${CMAKE_BINARY_DIR}/share)
  install(FILES ${share}/grus.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${share}/grus.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
          RENAME grus)
  install(FILES ${share}/_grus DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${share}/grus.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

  set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Grus)
  configure_package_config_file(
    ${CMAKE_CURRENT_LIST_DIR}/GrusConfig.cmake.in ${CMAKE_BINARY_DIR}/generated/GrusConfig.cmake
    INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_BINDIR)
  # The compiler runs on the host whatever the consumer compiles for.
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/GrusConfigVersion.cmake
                                   COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
  install(FILES ${CMAKE_BINARY_DIR}/generated/GrusConfig.cmake
                ${CMAKE_BINARY_DIR}/generated/GrusConfigVersion.cmake
                ${CMAKE_CURRENT_LIST_DIR}/GrusAddModel.cmake
          DESTINATION ${package_dir})
endif()

install(DIRECTORY runtime/ DESTINATION ${CMAKE_INSTALL_DATADIR}/grus/runtime
        FILES_MATCHING PATTERN "*.h" PATTERN "*.c" PATTERN "*.def" PATTERN "LICENSE.txt")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/grus)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
