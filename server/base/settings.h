#ifndef SERVER_BASE_SETTINGS_H
#define SERVER_BASE_SETTINGS_H

#include <stdint.h>
#include <stdio.h>

#include "lib/conf.h"
#include "lib/subject.h"

/*
 * What sicherd.conf says.  Sizes are bytes, durations are milliseconds.
 * Each field is one row of the key table in settings.c.
 */
struct settings {
	struct sn_conf_list listen; /* "address:port"; port 0: any. */
	char *name;
	uint64_t loops; /* Never 0: the default is a loop a core. */
	char *data;
	char *control;
	struct sn_conf_list admins; /* uids */
	int log_level;              /* enum sn_level */
	struct {
		char *certificate;
		char *key;
		char *key_passphrase_file;
		char *authority;
		char *crl;
		uint64_t chain_max;
		struct sn_conf_list client_key_words;
		unsigned client_keys; /* Set of enum sn_cert_keys. */
		uint64_t clock_tolerance;
		int crl_expired; /* 0: refuse, 1: grace */
		uint64_t crl_grace_time;
		uint64_t certificate_alarm;
		uint64_t crl_alarm;
		uint64_t crl_alarm_every;
		uint64_t crl_grace; /* 0 when it is "refuse". */
	} tls;
	struct {
		int rule_word;
		enum sn_subject_rule rule;
		uint64_t devices_max;
		uint64_t consumers_max; /* Of a device. */
		uint64_t new_device_history;
		int visible; /* enum visible_to */
	} account;
	struct {
		uint64_t memory; /* Of one Argon2id. */
		uint64_t iterations;
		uint64_t parallelism;
		uint64_t workers;
		uint64_t queue;
		uint64_t answer_time;
		uint64_t delay_first;
		uint64_t delay_max;
		uint64_t failures_per_day;
		uint64_t first_secret_life;
		uint64_t token_life;
	} password;
	struct {
		uint64_t connections;
		uint64_t connections_per_address; /* Before login. */
		uint64_t logging_in;
		uint64_t handshake_time;
		uint64_t idle_time;
		uint64_t sessions_per_account;
		uint64_t frame_rate; /* Frames a second of an account. */
		uint64_t frame_burst;
		uint64_t output_queue;
		uint64_t queue_bytes; /* Waiting for the log. */
		uint64_t body_max;
		uint64_t rooms_max;
		uint64_t members_max;
		uint64_t rooms_per_account;
		uint64_t signal_rate;   /* A second and account. */
		uint64_t small_room;    /* Members; see docs/PROTOCOL.md. */
		uint64_t sign_rate;     /* Signatures a second. */
		uint64_t account_bytes; /* Stored of one account; 0: any. */
	} limits;
	struct { /* What is kept; see retention.h. */
		uint64_t age;
		uint64_t bytes;
		uint64_t room_bytes;
		uint64_t dedupe;
	} retention;
	struct {
		uint64_t map_size;
		uint64_t keeper_map_size;
		uint64_t batch_max;
	} store;
};

/**
 * settings_read(path, out, report):
 * Read and check the file whole.  SN_ECONF with every error in ${report}.
 */
enum sn_err settings_read(const char *path, struct settings **out,
    struct sn_conf_report *report) SN_MUST_USE;

/** settings_of_text(text, out, why): of text that was checked before. */
enum sn_err settings_of_text(struct sn_bytes text, struct settings **out,
    struct sn_why *why) SN_MUST_USE;

/** settings_check_reload(now, next, report): SN_ECONF when a key differs
 * that only a restart can change. */
enum sn_err settings_check_reload(const struct settings *now,
    const struct settings *next, struct sn_conf_report *report) SN_MUST_USE;

void settings_free(struct settings *settings);

/** settings_sample(to), settings_dump(settings, to): as lib/conf.h. */
void settings_sample(FILE *to);
void settings_dump(const struct settings *settings, FILE *to);

#endif
