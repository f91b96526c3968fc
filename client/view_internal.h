#ifndef SN_CLIENT_VIEW_INTERNAL_H
#define SN_CLIENT_VIEW_INTERNAL_H

#include "client/view.h"

/*
 * Where things are: the list at the left, a line, and beside it the header
 * over the pane of messages; below both the status line and what is typed.
 * What has no room is not there.
 */
struct view_frame {
	int cols;
	int list, left;           /* Its columns; where the pane begins. */
	int header, pane, status; /* Rows. */
	int input, prompt;        /* Rows, and columns before the text. */
};

/* view.c */
struct view_frame view_frame(const struct model *model, int rows, int cols);

/* view_messages.c */

/** The messages of the conversation that is shown, into the pane. */
struct view_seen view_messages(const struct model *model, struct canvas *canvas,
    const struct view_frame *f);
/** Move up in them, as far as there is something. */
void view_move(struct model *model, const struct view_frame *f, int lines);

#endif
