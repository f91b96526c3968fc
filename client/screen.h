#ifndef SN_CLIENT_SCREEN_H
#define SN_CLIENT_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "client/canvas.h"

/* The terminal, taken over as a whole.  There is one. */

enum screen_key {
	SCREEN_NONE, /* Nothing was typed. */
	SCREEN_TEXT, /* The character ${rune}. */
	SCREEN_ENTER,
	SCREEN_BREAK, /* A line break in what is typed: Alt-Enter. */
	SCREEN_TAB,
	SCREEN_ESCAPE,
	SCREEN_BACKSPACE,
	SCREEN_DELETE,
	SCREEN_LEFT,
	SCREEN_RIGHT,
	SCREEN_WORD_LEFT,
	SCREEN_WORD_RIGHT,
	SCREEN_START,
	SCREEN_END,
	SCREEN_UP,
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_NEXT, /* Another conversation. */
	SCREEN_PREVIOUS,
	SCREEN_ERASE_WORD,
	SCREEN_ERASE_START, /* Of the line. */
	SCREEN_ERASE_END,
	SCREEN_REDRAW,
	SCREEN_HELP,
	SCREEN_PASTE,  /* What follows is pasted, not typed, */
	SCREEN_PASTED, /* up to here. */
	SCREEN_CTRL_C,
	SCREEN_CTRL_D,
	SCREEN_SUSPEND,
	SCREEN_RESIZED,
	SCREEN_ENDED, /* SIGTERM or SIGHUP came, or the terminal is gone. */
	SCREEN_OTHER, /* A key that means nothing here. */
};

struct screen_typed {
	enum screen_key key;
	uint32_t rune;
};

/** screen_check(why): SN_ENOTFOUND when $TERM names no terminal that could
 * be used so. */
enum sn_err screen_check(struct sn_why *why) SN_MUST_USE;

/**
 * screen_open(why):
 * Take the terminal of standard input and output.  From then on SIGWINCH,
 * SIGTERM, SIGHUP and SIGINT come out of screen_key.  SN_EIO; then nothing
 * has changed.
 */
enum sn_err screen_open(struct sn_why *why) SN_MUST_USE;

/** screen_close(): give it back as it was; fine when it was not taken. */
void screen_close(void);

/** screen_pause(), screen_resume(): give it back to ask for a password, and
 * take it again. */
void screen_pause(void);
void screen_resume(void);

/** screen_suspend(): to the shell, until it lets us go on. */
void screen_suspend(void);

/** screen_size(rows, cols): as it is now. */
void screen_size(int *rows, int *cols);

/** screen_show(canvas): what changed since the last one.  ${whole}: all. */
void screen_show(const struct canvas *canvas, bool whole);

/** screen_key(typed): the next key, without waiting. */
void screen_key(struct screen_typed *typed);

/** screen_signals(): a descriptor that is readable when a signal came. */
int screen_signals(void);

#endif
