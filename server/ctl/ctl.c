#include "server/ctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ctl.h"
#include "lib/file.h"
#include "server/ctl/show.h"

/* A deletion or a reload of a busy server takes its time. */
#define WAIT_MS (120 * 1000)
#define PAGES_MAX 100000
#define PEM_MAX ((size_t)64 * 1024)

static const char *socket_path(const struct sn_cli *cli)
{
	const char *path = sn_cli_value(cli, "control");

	if (path == NULL)
		path = sn_cli_value(cli, "socket");
	if (path == NULL)
		path = getenv("SICHERD_CONTROL");
	return (path != NULL && path[0] != '\0' ? path : SN_CTL_PATH);
}

static enum ctl_status status_of_code(const char *code)
{
	if (strcmp(code, "not-found") == 0)
		return (CTL_NOT_FOUND);
	if (strcmp(code, "invalid") == 0 || strcmp(code, "usage") == 0 ||
	    strcmp(code, "bad-request") == 0)
		return (CTL_USAGE);
	if (strcmp(code, "refused") == 0 || strcmp(code, "denied") == 0 ||
	    strcmp(code, "bad-key") == 0)
		return (CTL_REFUSED);
	return (CTL_FAILED);
}

/* To people on standard error, to scripts on standard output as well. */
static enum ctl_status tell(
    const struct sn_cli *cli, enum ctl_status status, const json_t *reply)
{
	const char *message = sn_ctl_text(reply, "message");
	size_t n = strlen(message);

	(void)fputs("sicherctl: ", stderr);
	show_text(stderr, n > 0 ? message : "the server gave no reason");
	if (n == 0 || message[n - 1] != '\n')
		(void)fputc('\n', stderr);
	(void)ctl_json(cli, reply);
	return (status);
}

enum ctl_status ctl_failed(
    const struct sn_cli *cli, enum ctl_status status, const char *format, ...)
{
	static const char *const codes[] = { "", "failed", "usage", "not-found",
		"refused", "unreachable" };
	char text[1024];
	json_t *reply;
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	reply = json_pack("{s:b, s:s, s:s}", "ok", 0, "error", codes[status],
	    "message", text);
	(void)tell(cli, status, reply);
	json_decref(reply);
	return (status);
}

static enum ctl_status of_err(
    const struct sn_cli *cli, enum sn_err err, const struct sn_why *why)
{
	switch (err) {
	case SN_ECLOSED:
	case SN_ETIMEOUT:
	case SN_EPROTO:
		return (ctl_failed(cli, CTL_UNREACHABLE, "%s", why->text));
	case SN_EDENIED:
		return (ctl_failed(cli, CTL_REFUSED, "%s", why->text));
	default:
		return (ctl_failed(cli, CTL_FAILED, "%s", why->text));
	}
}

/* One question; a failure of either side is told. */
static enum ctl_status ask(const struct sn_cli *cli, struct sn_ctl *ctl,
    const json_t *request, json_t **out)
{
	struct sn_why why = { "" };
	enum ctl_status status;
	json_t *reply;
	enum sn_err err;

	if ((err = sn_ctl_ask(ctl, request, &reply, &why)) != SN_OK)
		return (of_err(cli, err, &why));
	if (sn_ctl_ok(reply)) {
		*out = reply;
		return (CTL_OK);
	}
	status = status_of_code(sn_ctl_text(reply, "error"));
	status = tell(cli, status, reply);
	json_decref(reply);
	return (status);
}

static enum ctl_status open_server(
    const struct sn_cli *cli, struct sn_ctl **ctl)
{
	struct sn_why why = { "" };
	enum sn_err err = sn_ctl_open(socket_path(cli), WAIT_MS, ctl, &why);

	return (err == SN_OK ? CTL_OK : of_err(cli, err, &why));
}

enum ctl_status ctl_ask(
    const struct sn_cli *cli, json_t *request, json_t **reply)
{
	struct sn_ctl *ctl;
	enum ctl_status status;

	if ((status = open_server(cli, &ctl)) == CTL_OK) {
		status = ask(cli, ctl, request, reply);
		sn_ctl_close(ctl);
	}
	json_decref(request);
	return (status);
}

/* Put the page's entries behind those of the pages before; true when
 * another page follows, which ${request} then asks for. */
static bool join(json_t *request, const char *list,
    json_t *(*after)(const json_t *last), json_t **all, json_t *page)
{
	json_t *entries = json_object_get(page, list);
	size_t n = json_array_size(entries);
	bool more = json_is_true(json_object_get(page, "more")) && n > 0;

	if (more)
		(void)json_object_set_new(
		    request, "after", after(json_array_get(entries, n - 1)));
	if (*all == NULL) {
		*all = page;
		(void)json_object_del(page, "more");
		return (more);
	}
	(void)json_array_extend(json_object_get(*all, list), entries);
	json_decref(page);
	return (more);
}

enum ctl_status ctl_ask_all(const struct sn_cli *cli, json_t *request,
    const char *list, json_t *(*after)(const json_t *last), json_t **reply)
{
	json_t *page, *all = NULL;
	struct sn_ctl *ctl;
	enum ctl_status status;
	bool more = true;

	if ((status = open_server(cli, &ctl)) == CTL_OK) {
		for (unsigned i = 0; more && i < PAGES_MAX; i++) {
			status = ask(cli, ctl, request, &page);
			if (status != CTL_OK)
				break;
			more = join(request, list, after, &all, page);
		}
		sn_ctl_close(ctl);
	}
	json_decref(request);
	if (status == CTL_OK)
		*reply = all;
	else
		json_decref(all);
	return (status);
}

bool ctl_json(const struct sn_cli *cli, const json_t *reply)
{
	if (!sn_cli_has(cli, "json"))
		return (false);
	(void)json_dumpf(reply, stdout, JSON_COMPACT);
	(void)putchar('\n');
	return (true);
}

json_t *ctl_request(const struct sn_cli *cli, const char *cmd)
{
	json_t *request = json_pack("{s:s}", "cmd", cmd);
	const char *account = sn_cli_arg(cli, 0);

	if (account != NULL)
		(void)json_object_set_new(
		    request, "account", json_string(account));
	return (request);
}

enum ctl_status ctl_add_pem(
    const struct sn_cli *cli, json_t *request, const char *path)
{
	struct sn_why why = { "" };
	json_t *text;
	enum sn_err err;
	char *pem;
	size_t n;

	if ((err = sn_file_read(path, PEM_MAX, &pem, &n, &why)) != SN_OK)
		return (ctl_failed(cli,
		    err == SN_ENOTFOUND ? CTL_NOT_FOUND : CTL_FAILED, "%s",
		    why.text));
	text = json_stringn(pem, n);
	free(pem);
	if (text == NULL)
		return (ctl_failed(cli, CTL_FAILED,
		    "%s is no PEM file; openssl x509 -inform DER makes one "
		    "from a binary certificate",
		    path));
	(void)json_object_set_new(request, "pem", text);
	return (CTL_OK);
}

long long ctl_number(const json_t *reply, const char *name)
{
	return (json_integer_value(json_object_get(reply, name)));
}

const char *ctl_sessions(long long n)
{
	static char text[48];

	(void)snprintf(
	    text, sizeof(text), "%lld session%s", n, n == 1 ? "" : "s");
	return (text);
}
