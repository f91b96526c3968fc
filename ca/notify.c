#include "ca/notify.h"

#include "lib/ctl.h"

#define WAIT_MS (30 * 1000)

static enum sn_err understand(
    const json_t *reply, struct notice *out, struct sn_why *why)
{
	const char *message = sn_ctl_text(reply, "message");

	if (!sn_ctl_ok(reply))
		return (
		    sn_why(why, SN_EDENIED, "the server did not take it: %s",
			message[0] != '\0' ? message : "it gave no reason"));
	out->crl = json_integer_value(json_object_get(reply, "crl"));
	out->closed = json_integer_value(json_object_get(reply, "closed"));
	return (SN_OK);
}

static enum sn_err ask(
    const char *path, const char *cmd, struct notice *out, struct sn_why *why)
{
	json_t *request, *reply;
	struct sn_ctl *ctl;
	enum sn_err err;

	if ((err = sn_ctl_open(path, WAIT_MS, &ctl, why)) != SN_OK)
		return (err);
	request = json_pack("{s:s}", "cmd", cmd);
	if ((err = sn_ctl_ask(ctl, request, &reply, why)) == SN_OK) {
		err = understand(reply, out, why);
		json_decref(reply);
	}
	json_decref(request);
	sn_ctl_close(ctl);
	return (err);
}

enum sn_err notify_server(
    const char *path, struct notice *out, struct sn_why *why)
{
	return (ask(path, "reload", out, why));
}

enum sn_err notify_in_force(
    const char *path, long long *out, struct sn_why *why)
{
	struct notice notice;
	enum sn_err err = ask(path, "status", &notice, why);

	*out = err == SN_OK ? notice.crl : -1;
	return (err);
}
