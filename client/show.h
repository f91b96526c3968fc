#ifndef SN_CLIENT_SHOW_H
#define SN_CLIENT_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "lib/frame.h"

/* Messages as people and programs read them. */

/**
 * show_text(message, me, to):
 * "2026-11-24 09:30 bob: the text", local time; with the room or, for what
 * ${me} wrote, the receiver named.  Nothing in it reaches the terminal raw.
 */
void show_text(
    const struct sn_frame_deliver *message, const char *me, FILE *to);

/**
 * show_json(message, to):
 * One object on one line: seq, time (RFC 3339), time_ms, from, device, to,
 * id, type, encoding ("utf-8", or "base64" where the body is no UTF-8), body.
 */
void show_json(const struct sn_frame_deliver *message, FILE *to);

/** show_line(object, to): an object on a line of its own; takes it. */
void show_line(json_t *object, FILE *to);

/** show_string(bytes): a JSON string; what is no UTF-8 becomes null. */
json_t *show_string(struct sn_bytes bytes);

/** show_base64(bytes): as a JSON string. */
json_t *show_base64(struct sn_bytes bytes);

#endif
