/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config.h: what Samba's configure would find out on Linux with glibc, as far as smbd's private headers ask for it.
 *
 * Each line was kept because without it some text that the compiler sees in Samba's headers changes (4.17 or 4.22), or they do
 * not compile. What is not here is "no", which is safe: it only leaves out system headers that the module does not need. */
#ifndef NTPIPE_SAMBA_CONFIG_H
#define NTPIPE_SAMBA_CONFIG_H

/* Samba refuses another project's config.h. */
#define CONFIG_H_IS_FROM_SAMBA 1

/* The layout of structs that the module shares with smbd, as Debian builds it (all four are on there):
 * smbd_smb2_request, smbXsrv_connection (the next two) and samba_sockaddr. */
#define WITH_PROFILE 1
#define WITH_SMB1SERVER 1
#define HAVE_ROBUST_MUTEXES 1
#define HAVE_IPV6 1

/* The packing of numbers in macros of includes.h, and what a time may be. */
#define SIZEOF_DEV_T 8
#define SIZEOF_INO_T 8
#define TIME_T_MAX 67768036191676799ll

/* The language: else attributes are dropped, or names replaced that C++ has as keywords. */
#define HAVE_BOOL 1
#define HAVE_STDBOOL_H 1
#define HAVE_COMPILER_WILL_OPTIMIZE_OUT_FNS 1
#define HAVE_FALLTHROUGH_ATTRIBUTE 1
#define HAVE_FUNCTION_MACRO 1
#define HAVE_IMMEDIATE_STRUCTURES 1
#define HAVE_VA_COPY 1
#define HAVE_VISIBILITY_ATTR 1
#define HAVE_VOLATILE 1

/* Types of the system: else replace.h defines its own under the same name. */
#define HAVE_COMPARISON_FN_T 1
#define HAVE_INTPTR_T 1
#define HAVE_PTRDIFF_T 1
#define HAVE_SA_FAMILY_T 1
#define HAVE_SIG_ATOMIC_T_TYPE 1
#define HAVE_SOCKLEN_T 1
#define HAVE_STRUCT_ADDRINFO 1
#define HAVE_STRUCT_IFADDRS 1
#define HAVE_STRUCT_SOCKADDR_STORAGE 1
#define HAVE_STRUCT_TIMESPEC 1
#define HAVE_UINTPTR_T 1
#define offset_t loff_t

/* Headers that Samba's headers go on to use. */
#define HAVE_DIRENT_H 1
#define HAVE_DLFCN_H 1
#define HAVE_INTTYPES_H 1
#define HAVE_LINUX_OPENAT2_H 1
#define HAVE_NETDB_H 1
#define HAVE_NETINET_IN_H 1
#define HAVE_NETINET_TCP_H 1
#define HAVE_NET_IF_H 1
#define HAVE_STRING_H 1
#define HAVE_SYS_FILE_H 1
#define HAVE_SYS_PARAM_H 1
#define HAVE_SYS_SOCKET_H 1
#define HAVE_SYS_XATTR_H 1
#define HAVE_UNIXSOCKET 1
#define HAVE_UTIME_H 1

/* Functions and constants of the system: else the name becomes a macro for rep_NAME, which Debian's libreplace does not have.
 * The first one says that the network functions below were asked for at all. */
#define LIBREPLACE_NETWORK_CHECKS 1
#define HAVE_CONNECT 1
#define HAVE_FREEIFADDRS 1
#define HAVE_GETADDRINFO 1
#define HAVE_GETHOSTBYNAME 1
#define HAVE_GETIFADDRS 1
#define HAVE_INET_ATON 1
#define HAVE_INET_NTOA 1
#define HAVE_INET_NTOP 1
#define HAVE_INET_PTON 1
#define HAVE_SOCKETPAIR 1

#define HAVE_ASPRINTF 1
#define HAVE_C99_VSNPRINTF 1
#define HAVE_DPRINTF 1
#define HAVE_SNPRINTF 1
#define HAVE_VASPRINTF 1
#define HAVE_VDPRINTF 1
#define HAVE_VSNPRINTF 1

#define HAVE_MEMALIGN 1
#define HAVE_MEMMEM 1
#define HAVE_MEMMOVE 1
#define HAVE_STRCASESTR 1
#define HAVE_STRDUP 1
#define HAVE_STRERROR 1
#define HAVE_STRNDUP 1
#define HAVE_STRNLEN 1
#define HAVE_STRSEP 1
#define HAVE_STRTOK_R 1
#define HAVE_STRTOLL 1
#define HAVE_STRTOULL 1

#define HAVE_CHOWN 1
#define HAVE_CHROOT 1
#define HAVE_CLOSEFROM 1
#define HAVE_COPY_FILE_RANGE 1
#define HAVE_DECL_FDATASYNC 1
#define HAVE_DUP2 1
#define HAVE_FDATASYNC 1
#define HAVE_FTRUNCATE 1
#define HAVE_GET_CURRENT_DIR_NAME 1
#define HAVE_LCHOWN 1
#define HAVE_LINK 1
#define HAVE_MKDIR_MODE 1
#define HAVE_MKDTEMP 1
#define HAVE_POLL 1
#define HAVE_PREAD 1
#define HAVE_PWRITE 1
#define HAVE_READLINK 1
#define HAVE_REALPATH 1
#define HAVE_SECURE_MKSTEMP 1
#define HAVE_SYMLINK 1
#define HAVE_XATTR_XATTR 1

#define HAVE_CLOCK_GETTIME 1
#define HAVE_MKTIME 1
#define HAVE_TIMEGM 1
#define HAVE_USLEEP 1
#define HAVE_UTIME 1
#define HAVE_UTIMES 1
#define HAVE_WORKING_STRPTIME 1

#define HAVE_DECL_EWOULDBLOCK 1
#define HAVE_DLCLOSE 1
#define HAVE_DLERROR 1
#define HAVE_DLOPEN 1
#define HAVE_DLSYM 1
#define HAVE_ERRNO_DECL 1
#define HAVE_INITGROUPS 1
#define HAVE_SETEGID 1
#define HAVE_SETENV 1
#define HAVE_SETENV_DECL 1
#define HAVE_SETEUID 1
#define HAVE_SETLINEBUF 1
#define HAVE_UNSETENV 1

#endif
