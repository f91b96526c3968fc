#include "client/cmd.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/safe.h"
#include "client/show.h"

static void show(const struct core_event *ev, bool json)
{
	const struct sn_frame_receipt *r = &ev->receipt;
	char who[512], kind[64];
	json_t *o;

	if (!json) {
		(void)printf("%s: %s up to %" PRIu64 "\n",
		    safe_line(r->account, who, sizeof(who)),
		    safe_line(r->kind, kind, sizeof(kind)), r->seq);
		return;
	}
	o = json_object();
	(void)json_object_set_new(o, "account", show_string(r->account));
	(void)json_object_set_new(o, "receipt", show_string(r->kind));
	(void)json_object_set_new(o, "seq", json_integer((json_int_t)r->seq));
	show_line(o, stdout);
}

int cmd_receipts(struct sn_cli *cli)
{
	static const struct cmd_listing listing = { core_receipts, CORE_RECEIPT,
		show, "nobody has got or read anything there yet" };

	return (cmd_list(cli, &listing));
}
