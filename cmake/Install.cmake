# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What `cmake --install` puts where: the compiler, its manual page and completions, the runtime
# sources, and the CMake package (find_package(Grus), grus_add_model()).
include(CMakePackageConfigHelpers)

if(TARGET grus)
  install(TARGETS grus RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  set(share ${CMAKE_BINARY_DIR}/share)
  get_property(pages GLOBAL PROPERTY grus_page_files)
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
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
        FILES_MATCHING PATTERN "*.h" PATTERN "*.c" PATTERN "*.def" PATTERN "LICENSE.txt"
        PATTERN wasm EXCLUDE)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/grus)
# Documentation in the folders of the checkout; cmake/InstalledDocs.cmake sees to its links.
file(GLOB_RECURSE doc_files CONFIGURE_DEPENDS docs/* examples/language/*)
add_custom_command(
  OUTPUT ${CMAKE_BINARY_DIR}/doc.stamp
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${CMAKE_BINARY_DIR}/doc
  COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DOUT=${CMAKE_BINARY_DIR}/doc
          -P ${CMAKE_CURRENT_LIST_DIR}/InstalledDocs.cmake
  COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/doc.stamp
  DEPENDS ${doc_files} README.md CHANGELOG.md CONTRIBUTING.md LICENSE cmake/InstalledDocs.cmake VERBATIM)
add_custom_target(grus_docs ALL DEPENDS ${CMAKE_BINARY_DIR}/doc.stamp)
install(DIRECTORY ${CMAKE_BINARY_DIR}/doc/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY editors/vim editors/neovim editors/emacs editors/helix DESTINATION ${CMAKE_INSTALL_DATADIR}/grus/editors)

# `cmake --build DIR --target uninstall` removes what the last install wrote.
add_custom_target(uninstall COMMAND ${CMAKE_COMMAND} -DMANIFEST=${CMAKE_BINARY_DIR}/install_manifest.txt
                                    -P ${CMAKE_CURRENT_LIST_DIR}/Uninstall.cmake VERBATIM)
