#include "client/chat.h"

/*
 * Several chats may be open on one device at once: each takes the first of
 * these names that is free.
 */
enum sn_err chat_follow(struct app *app, struct sn_frame_synced *synced)
{
	static const char *const names[] = { "chat", "chat-2", "chat-3",
		"chat-4" };
	enum sn_err err = SN_EINUSE;
	struct core_event ev;

	for (size_t i = 0; i < 4 && err == SN_EINUSE; i++) {
		core_sync(app->core, names[i], false);
		err = app_await(app, 0, &ev);
	}
	if (err == SN_OK)
		*synced = ev.synced;
	if (err == SN_EINUSE)
		(void)sn_why(&app->why, err,
		    "four chats are open on this device already; end one of "
		    "them");
	app->code[0] = '\0';
	return (err);
}
