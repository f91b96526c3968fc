#ifndef SN_CLIENT_VIEW_H
#define SN_CLIENT_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "client/canvas.h"
#include "client/model.h"

/* The model as a screen: nothing but the model, the size of the canvas and
 * the time zone decide what is drawn. */
struct view_seen {
	bool top;     /* The oldest message in memory is on the screen. */
	uint64_t seq; /* The newest that is, whole; 0: none. */
};

/** view_draw(model, canvas): all of it. */
struct view_seen view_draw(const struct model *model, struct canvas *canvas);

/** view_scroll(model, canvas, lines): move up (or down, below 0) in what is
 * shown on a canvas of this size, as far as there is something. */
void view_scroll(struct model *model, const struct canvas *canvas, int lines);

/** view_height(model, canvas): lines that the conversation has. */
int view_height(const struct model *model, const struct canvas *canvas);

#endif
