#include "client/cmd.h"

#include <stdio.h>

#include "client/safe.h"
#include "client/show.h"
#include "lib/clock.h"

static void show(const struct core_event *ev, bool json)
{
	const struct sn_frame_presence *p = &ev->presence;
	char who[512], state[64], seen[SN_CLOCK_TEXT];
	json_t *o;

	(void)sn_clock_rfc3339((int64_t)(p->seen.value / SN_MS_PER_S), seen);
	if (!json) {
		(void)printf("%s: %s%s%s\n",
		    safe_line(p->account, who, sizeof(who)),
		    safe_line(p->state, state, sizeof(state)),
		    p->seen.set ? ", last seen " : "", p->seen.set ? seen : "");
		return;
	}
	o = json_object();
	(void)json_object_set_new(o, "account", show_string(p->account));
	(void)json_object_set_new(o, "state", show_string(p->state));
	(void)json_object_set_new(
	    o, "seen", p->seen.set ? json_string(seen) : json_null());
	show_line(o, stdout);
}

int cmd_presence(struct sn_cli *cli)
{
	static const struct cmd_listing listing = { core_presence,
		CORE_PRESENCE, show, "there is nobody" };

	return (cmd_list(cli, &listing));
}
