/* What gcc's -fsanitize-coverage=trace-pc calls, for libFuzzer's extra counters. clang with -fsanitize=fuzzer needs
 * none of this. */
#include <stdint.h>

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[1 << 12];

__attribute__((no_sanitize_coverage)) void __sanitizer_cov_trace_pc(void) {
    uintptr_t place = (uintptr_t)__builtin_return_address(0);
    counters[(place ^ place >> 12) & (sizeof counters - 1)]++;
}
