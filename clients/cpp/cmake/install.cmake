# A separate folder: another package may install its own google/rpc/status.pb.h.
set(include_dir ${CMAKE_INSTALL_INCLUDEDIR}/harmony-client)
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/harmony-client)

install(TARGETS harmony-client EXPORT harmony-client)
install(
  DIRECTORY ${HARMONY_GENERATED_DIR}/
  DESTINATION ${include_dir}
  FILES_MATCHING PATTERN *.h
)
foreach(proto IN LISTS HARMONY_PROTOS)
  get_filename_component(folder ${proto} DIRECTORY)
  install(FILES ${HARMONY_PROTO_DIR}/${proto} DESTINATION ${include_dir}/${folder})
endforeach()
foreach(proto IN LISTS HARMONY_GOOGLE_PROTOS)
  get_filename_component(folder ${proto} DIRECTORY)
  install(FILES ${HARMONY_GOOGLEAPIS_DIR}/${proto} DESTINATION ${include_dir}/${folder})
endforeach()
install(FILES ${CMAKE_CURRENT_SOURCE_DIR}/../../LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_package_config_file(
  cmake/harmony-client-config.cmake.in harmony-client-config.cmake
  INSTALL_DESTINATION ${config_dir}
)
write_basic_package_version_file(harmony-client-config-version.cmake COMPATIBILITY SameMinorVersion)
install(EXPORT harmony-client NAMESPACE harmony:: FILE harmony-client-targets.cmake
        DESTINATION ${config_dir}
)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/harmony-client-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/harmony-client-config-version.cmake
        DESTINATION ${config_dir}
)
