/// What a crash of the program leaves behind: no core dump, and no text that an exception carries.
#pragma once

namespace callchain::observe {

/// From here on the kernel writes no core dump of this process: the memory holds keys, tokens and passwords
/// in clear. The soft limit becomes 1 byte rather than 0, since 0 does not stop a dump that goes to a program
/// (a `|` in core_pattern). The hard limit stays, so that `prlimit --core=unlimited --pid PID` lets one be
/// written after all. Source: core(5), prlimit(1); Linux fs/coredump.c, "we use cprm.limit of 1 here as a
/// special value".
void leave_no_core_dump();

/// An exception that nobody catches ends the process as before, by SIGABRT, but what is said of it is its
/// type alone: its text may quote what was read. The standard library would print all of it.
void say_only_the_type_of_exceptions();

}  // namespace callchain::observe
