#pragma once

/// What ThreadSanitizer is told not to report: what oneTBB's own code does to its own memory through functions that the
/// sanitizer intercepts (memcmp and delete of its thread starts, now and then). Not what tasks do: they are our code,
/// in no library (racing_tasks shows that their races are reported all the same).
#ifdef __SANITIZE_THREAD__
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "called_from_lib:libtbb.so\n"; }
#endif
