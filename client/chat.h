#ifndef SN_CLIENT_CHAT_H
#define SN_CLIENT_CHAT_H

#include "client/app.h"

/* What `sicher chat` does, logged in: for pipes and for terminals. */

/**
 * chat_lines(app, with):
 * Line by line: what is read goes out, what comes is printed.
 */
enum sn_err chat_lines(struct app *app, const char *with) SN_MUST_USE;

/**
 * chat_screen(app, with):
 * On the whole terminal; ${with} may be NULL.
 */
enum sn_err chat_screen(struct app *app, const char *with) SN_MUST_USE;

/**
 * chat_follow(app, synced):
 * Begin delivery under the first of a few names that no other chat of this
 * device has; *${synced}: the answer.
 */
enum sn_err chat_follow(
    struct app *app, struct sn_frame_synced *synced) SN_MUST_USE;

#endif
