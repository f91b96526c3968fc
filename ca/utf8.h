#ifndef CA_UTF8_H
#define CA_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/** utf8_is_text(p, n): valid UTF-8 (RFC 3629) without control characters. */
bool utf8_is_text(const void *p, size_t n);

/** utf8_count(p, n): its characters. */
size_t utf8_count(const void *p, size_t n);

#endif
