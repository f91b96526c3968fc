#ifndef SN_CLIENT_SAFE_H
#define SN_CLIENT_SAFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/bytes.h"

/*
 * Text that somebody else wrote, made safe for a terminal: control
 * characters, among them those of ISO 6429 in UTF-8 (C1), marks that turn
 * the direction of writing, and bytes that are no UTF-8 come out as \x1b or
 * \u{202e}.
 */

/**
 * safe_print(text, indent, to):
 * Write it; tabs stay, and after each line break comes ${indent}, so that a
 * message cannot look like two.
 */
void safe_print(struct sn_bytes text, const char *indent, FILE *to);

/**
 * safe_line(text, out, size):
 * As one line into ${out}, cut to fit; line breaks and tabs are escaped.
 * Returns ${out}.
 */
const char *safe_line(struct sn_bytes text, char *out, size_t size);

/**
 * safe_utf8(text, n, rune):
 * The length of the UTF-8 character (RFC 3629) that ${n} > 0 bytes begin
 * with, and the character in *${rune}; 0 when they begin with none.
 */
size_t safe_utf8(const unsigned char *text, size_t n, unsigned *rune);

/* Room for one character as it is shown, the NUL included. */
#define SAFE_SHOWN 16

/**
 * safe_next(text, n, shown):
 * The first character of ${n} > 0 bytes as it may be shown; returns how many
 * bytes it was.  Line breaks and tabs are escaped.
 */
size_t safe_next(const unsigned char *text, size_t n, char shown[SAFE_SHOWN]);

/** safe_escape(rune, shown): a character by its number, \u{202e}. */
void safe_escape(unsigned rune, char shown[SAFE_SHOWN]);

#endif
