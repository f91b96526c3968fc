#ifndef SN_CLIENT_EDIT_H
#define SN_CLIENT_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/bytes.h"
#include "lib/frame.h"

/*
 * The text that is being typed, in UTF-8, never longer than a message may
 * be, and the place in it where typing goes on.
 */
struct edit {
	char text[SN_FRAME_BODY_MAX];
	size_t n, at;
};

enum edit_move {
	EDIT_LEFT,
	EDIT_RIGHT,
	EDIT_WORD_LEFT,
	EDIT_WORD_RIGHT,
	EDIT_START, /* Of the line. */
	EDIT_END,
};

/** edit_text(edit): all of it. */
struct sn_bytes edit_text(const struct edit *edit);

/**
 * edit_insert(edit, text):
 * Put ${text} in where typing goes on.  Control characters but line breaks
 * and tabs, and what is no UTF-8, are left out; a carriage return is a line
 * break.  False, and nothing was put in, when it would be too long.
 */
bool edit_insert(struct edit *edit, struct sn_bytes text);

/** edit_set(edit, text): instead of what was there; cut to fit. */
void edit_set(struct edit *edit, struct sn_bytes text);

/** edit_move(edit, how): as far as it goes. */
void edit_move(struct edit *edit, enum edit_move how);

/** edit_erase(edit, how): all between here and where edit_move would go. */
void edit_erase(struct edit *edit, enum edit_move how);

#endif
