# Run by cpack between install and packaging: puts documents and man pages as Debian's policy wants them (sections 12.1,
# 12.5 and 12.7). SOURCE_DATE_EPOCH is the date of the changelog's entry, and of every file in the package.
cmake_policy(VERSION 3.25)
set(root ${CPACK_TEMPORARY_INSTALL_DIRECTORY})
set(folder ${root}/usr/share/doc/callchain)

# Smallest, and without name and time, so that the same input gives the same bytes.
function(compress)
    execute_process(COMMAND gzip -9nf ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(GLOB_RECURSE pages ${root}/usr/share/man/*.[15])
if(pages)
    compress(${pages})
endif()

# Debian's zsh looks here for what packages bring, and not in site-functions of /usr.
if(EXISTS ${root}/usr/share/zsh/site-functions)
    file(RENAME ${root}/usr/share/zsh/site-functions ${root}/usr/share/zsh/vendor-completions)
endif()

file(REMOVE ${folder}/LICENSE)
file(RENAME ${folder}/CHANGELOG.md ${folder}/changelog)
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${folder}/changelog.Debian "callchain (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * Package of version ${CPACK_PACKAGE_VERSION}. What is new stands in changelog.gz.

 -- ${CPACK_DEBIAN_PACKAGE_MAINTAINER}  ${date}
")
compress(${folder}/changelog ${folder}/changelog.Debian)
file(COPY ${CMAKE_CURRENT_LIST_DIR}/copyright DESTINATION ${folder} NO_SOURCE_PERMISSIONS)
file(COPY ${CMAKE_CURRENT_LIST_DIR}/overrides DESTINATION ${root}/usr/share/lintian NO_SOURCE_PERMISSIONS)
