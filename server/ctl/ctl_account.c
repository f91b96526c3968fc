#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ctl.h"
#include "lib/passphrase.h"
#include "server/ctl/ctl.h"
#include "server/ctl/show.h"

/* Puts the password of --password-fd or --password-file into ${request};
 * without one of them the server makes a one-time secret. */
static enum ctl_status add_password(const struct sn_cli *cli, json_t *request)
{
	const struct sn_passphrase source = {
		.what = "password of the account",
		.fd = sn_cli_value(cli, "password-fd"),
		.file = sn_cli_value(cli, "password-file"),
		.hint = "--password-file FILE",
	};
	struct sn_why why = { "" };
	struct sn_secret password;
	json_t *text;
	enum sn_err err;

	if (source.fd == NULL && source.file == NULL)
		return (CTL_OK);
	if ((err = sn_passphrase_read(&source, &password, &why)) != SN_OK)
		return (ctl_failed(cli,
		    err == SN_ENOTFOUND ? CTL_NOT_FOUND : CTL_FAILED, "%s",
		    why.text));
	text = json_stringn(password.data, password.len);
	sn_secret_free(&password);
	if (text == NULL)
		return (ctl_failed(cli, CTL_FAILED,
		    "the password is no text; it must be UTF-8"));
	(void)json_object_set_new(request, "password", text);
	return (CTL_OK);
}

static void put_secret(const char *account, const json_t *reply)
{
	const char *secret = sn_ctl_text(reply, "secret");

	if (secret[0] == '\0') {
		(void)printf("The password is the one you gave.\n");
		return;
	}
	(void)printf(
	    "One-time secret: %s\n"
	    "It is shown this once only.  Hand it to %s on a way you trust: "
	    "with it the\nfirst login succeeds, and has a password chosen.\n",
	    secret, account);
}

int ctl_account_add(struct sn_cli *cli)
{
	const char *display = sn_cli_value(cli, "display");
	const char *role = sn_cli_value(cli, "role");
	const char *name = sn_cli_arg(cli, 0);
	json_t *request, *reply;
	enum ctl_status status;

	if (role != NULL && strcmp(role, "user") != 0 &&
	    strcmp(role, "operator") != 0)
		return (sn_cli_usage(
		    cli, "a role is user or operator, not \"%s\"", role));
	request = ctl_request(cli, "account.add");
	if (display != NULL)
		(void)json_object_set_new(
		    request, "display", json_string(display));
	if (role != NULL)
		(void)json_object_set_new(request, "role", json_string(role));
	if ((status = add_password(cli, request)) != CTL_OK) {
		json_decref(request);
		return ((int)status);
	}
	if ((status = ctl_ask(cli, request, &reply)) != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply)) {
		(void)printf("The account %s is made.\n", name);
		put_secret(name, reply);
		(void)printf("Next, where the authority is: sicher-ca issue %s "
			     "--device laptop\n",
		    name);
	}
	json_decref(reply);
	return (CTL_OK);
}

int ctl_account_passwd(struct sn_cli *cli)
{
	json_t *request = ctl_request(cli, "account.passwd"), *reply;
	const char *name = sn_cli_arg(cli, 0);
	enum ctl_status status;

	if ((status = add_password(cli, request)) != CTL_OK) {
		json_decref(request);
		return ((int)status);
	}
	if ((status = ctl_ask(cli, request, &reply)) != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply)) {
		(void)printf("The password of %s is reset; %s closed.\n", name,
		    ctl_sessions(ctl_number(reply, "closed")));
		put_secret(name, reply);
	}
	json_decref(reply);
	return (CTL_OK);
}

static json_t *after_name(const json_t *last)
{
	return (json_incref(json_object_get(last, "account")));
}

int ctl_account_list(struct sn_cli *cli)
{
	static const struct show_column columns[] = {
		{ "ACCOUNT", "account" },
		{ "STATE", "state" },
		{ "ROLE", "role" },
		{ "SINCE", "created" },
		{ "NAME", "display" },
		{ NULL, NULL },
	};
	json_t *request = ctl_request(cli, "account.list"), *reply;
	enum ctl_status status =
	    ctl_ask_all(cli, request, "accounts", after_name, &reply);

	if (status != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply)) {
		const json_t *accounts = json_object_get(reply, "accounts");

		if (json_array_size(accounts) > 0)
			show_table(columns, accounts);
		else
			(void)printf("There are no accounts yet; sicherctl "
				     "account add NAME makes one.\n");
	}
	json_decref(reply);
	return (CTL_OK);
}

int ctl_account_show(struct sn_cli *cli)
{
	enum ctl_status status;
	json_t *reply;

	status = ctl_ask(cli, ctl_request(cli, "account.show"), &reply);
	if (status != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply)) {
		show_line("account", reply, "account");
		show_line("state", reply, "state");
		show_line("role", reply, "role");
		show_line("name", reply, "display");
		show_line("since", reply, "created");
		(void)printf(
		    "%-12s %lld\n", "number", ctl_number(reply, "account_id"));
	}
	json_decref(reply);
	return (CTL_OK);
}

/* What changes an account and closes its sessions; ${next} has a %s for the
 * account. */
static int change(
    struct sn_cli *cli, const char *cmd, const char *done, const char *next)
{
	enum ctl_status status;
	json_t *reply;

	status = ctl_ask(cli, ctl_request(cli, cmd), &reply);
	if (status != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply))
		(void)printf("The account %s is %s; %s closed.\n%s\n",
		    sn_cli_arg(cli, 0), done,
		    ctl_sessions(ctl_number(reply, "closed")), next);
	json_decref(reply);
	return (CTL_OK);
}

int ctl_account_disable(struct sn_cli *cli)
{
	return (change(cli, "account.disable", "disabled",
	    "Its messages are kept.  sicherctl account enable lets it in "
	    "again."));
}

int ctl_account_enable(struct sn_cli *cli)
{
	return (change(cli, "account.enable", "active",
	    "It may log in again, with the password it had."));
}

int ctl_account_delete(struct sn_cli *cli)
{
	return (change(cli, "account.delete", "deleted",
	    "Its certificates stay shut out; sicher-ca revoke revokes them "
	    "elsewhere, too."));
}

int ctl_account_unlock(struct sn_cli *cli)
{
	enum ctl_status status;
	json_t *reply;

	status = ctl_ask(cli, ctl_request(cli, "account.unlock"), &reply);
	if (status != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply))
		(void)printf("The wrong passwords of %s are forgotten: no "
			     "device of it is delayed.\n",
		    sn_cli_arg(cli, 0));
	json_decref(reply);
	return (CTL_OK);
}
