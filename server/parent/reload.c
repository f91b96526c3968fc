#include "server/parent/reload.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/log.h"
#include "lib/secret.h"

static int memfd_of(struct sn_bytes b)
{
	int fd = memfd_create("sicherd", MFD_CLOEXEC);

	if (fd < 0)
		return (-1);
	if (sn_file_put(fd, b.p, b.n) != SN_OK) {
		(void)close(fd);
		return (-1);
	}
	(void)lseek(fd, 0, SEEK_SET);
	return (fd);
}

static json_t *failure(const char *code, const char *message)
{
	return (json_pack(
	    "{s:b, s:s, s:s}", "ok", 0, "error", code, "message", message));
}

static json_t *reload_keeper(
    struct parent *p, const struct settings *settings, const int *key)
{
	struct sn_secret passphrase = { 0, NULL };
	struct sn_why why = { "" };
	json_t *request;

	if (material_passphrase(settings, &passphrase, &why) != SN_OK)
		return (failure("refused", why.text));
	request =
	    json_pack("{s:s, s:s}", "cmd", "reload", "name", settings->tls.key);
	if (passphrase.data != NULL)
		(void)json_object_set_new(
		    request, "passphrase", json_string(passphrase.data));
	sn_secret_free(&passphrase);
	return (child_ask(&p->keeper, request, key, 2));
}

/* What is checked already, so that it cannot be refused. */
static void tell_policy(struct parent *p, const struct settings *s)
{
	json_t *reply = child_ask(&p->keeper,
	    json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
		      "s:I}",
		"cmd", "policy", "memory_kib",
		(json_int_t)(s->password.memory / 1024), "iterations",
		(json_int_t)s->password.iterations, "parallelism",
		(json_int_t)s->password.parallelism, "queue",
		(json_int_t)s->password.queue, "answer_ms",
		(json_int_t)s->password.answer_time, "delay_first_ms",
		(json_int_t)s->password.delay_first, "delay_max_ms",
		(json_int_t)s->password.delay_max, "failures_per_day",
		(json_int_t)s->password.failures_per_day, "secret_life_ms",
		(json_int_t)s->password.first_secret_life, "token_life_ms",
		(json_int_t)s->password.token_life, "sign_rate",
		(json_int_t)s->limits.sign_rate),
	    NULL, 0);

	/* It died: the next one starts with these. */
	if (!child_ok(reply))
		sn_log(SN_ALARM, "keeper.policy", "what=\"not heard\"");
	json_decref(reply);
}

/* First the keeper, which keeps the key before as well; then net. */
static json_t *hand_over(struct parent *p, const struct input *next)
{
	const struct material *m = next->material;
	int fds[4], key[2] = { m->key_fd, memfd_of(m->chain) };
	const struct sn_bytes files[4] = { m->config, m->authority, m->crl,
		m->chain };
	json_t *reply = NULL;
	bool made = key[1] >= 0;

	for (unsigned i = 0; i < 4; i++) {
		fds[i] = memfd_of(files[i]);
		made = made && fds[i] >= 0;
	}
	if (!made)
		reply = failure("internal", "no memory for the files");
	if (reply == NULL) {
		reply = reload_keeper(p, next->settings, key);
		if (child_ok(reply)) {
			json_decref(reply);
			reply = child_ask(&p->net,
			    json_pack("{s:s}", "cmd", "reload"), fds, 4);
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);
	}
	if (key[1] >= 0)
		(void)close(key[1]);
	return (reply);
}

static json_t *take(struct parent *p, struct sn_conf_report *report)
{
	struct input next;
	json_t *reply;

	if (input_read(p->path, &next, report) != SN_OK)
		return (failure("refused", report->text));
	if (settings_check_reload(p->input.settings, next.settings, report) !=
	    SN_OK)
		reply = failure("refused", report->text);
	else
		reply = hand_over(p, &next);
	if (!child_ok(reply)) {
		input_free(&next);
		return (reply);
	}
	input_free(&p->input);
	p->input = next;
	tell_policy(p, next.settings);
	return (reply);
}

static void tell(const json_t *reply)
{
	if (child_ok(reply))
		sn_log(SN_NOTICE, "reloaded", "crl=%lld closed=%lld",
		    (long long)json_integer_value(
			json_object_get(reply, "crl")),
		    (long long)json_integer_value(
			json_object_get(reply, "closed")));
	else
		sn_log(SN_ALARM, "reload.refused",
		    "what=\"everything stays as it was\" why=\"%s\"",
		    json_string_value(json_object_get(reply, "message")));
}

json_t *reload_run(struct parent *p)
{
	struct sn_conf_report *report = calloc(1, sizeof(*report));
	json_t *reply;

	if (report == NULL)
		return (failure("internal", "no memory"));
	reply = take(p, report);
	tell(reply);
	free(report);
	return (reply);
}
