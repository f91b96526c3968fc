#include "server/base/settings.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cert.h"
#include "lib/log.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define AT(field) offsetof(struct settings, field)

static const struct sn_conf_key keys[] = {
	/* clang-format off */
	{ "listen", SN_CONF_LIST, AT(listen), "127.0.0.1:7443", 1, 1, NULL,
	  false, "The address and port to accept connections on; port 0 takes any." },
	{ "name", SN_CONF_STRING, AT(name), "SicherNetz", 1, 255, NULL,
	  true, "What the server calls itself to clients." },
	{ "loops", SN_CONF_INT, AT(loops), "0", 0, 64, NULL,
	  false, "Threads that serve connections; 0: one for each core." },
	{ "data", SN_CONF_PATH, AT(data), "/var/lib/sichernetz", 1, 512, NULL,
	  false, "The folder of the databases." },
	{ "control", SN_CONF_PATH, AT(control), "/run/sichernetz/control", 1, 100, NULL,
	  false, "The control socket, in a folder that only this user may enter." },
	{ "admins", SN_CONF_LIST, AT(admins), "", 0, 64, NULL,
	  true, "Numbers of users who may use it, besides root and the server's own." },
	{ "log_level", SN_CONF_WORD, AT(log_level), "info", 0, 0, "debug|info|notice|warn|alarm",
	  false, "The least important lines to log." },

	{ "tls.certificate", SN_CONF_PATH, AT(tls.certificate), NULL, 1, 512, NULL,
	  true, "The server's certificate and its issuer's, PEM." },
	{ "tls.key", SN_CONF_PATH, AT(tls.key), NULL, 1, 512, NULL,
	  true, "Its private key, PEM, readable by this user alone." },
	{ "tls.key_passphrase_file", SN_CONF_PATH, AT(tls.key_passphrase_file), "", 0, 512, NULL,
	  true, "A file with the key's passphrase; empty: the key has none." },
	{ "tls.authority", SN_CONF_PATH, AT(tls.authority), NULL, 1, 512, NULL,
	  true, "The certificates of the authority that is trusted, PEM." },
	{ "tls.crl", SN_CONF_PATH, AT(tls.crl), NULL, 1, 512, NULL,
	  true, "Its revocation lists, one of each authority, PEM." },
	{ "tls.chain_max", SN_CONF_INT, AT(tls.chain_max), "4", 2, 4, NULL,
	  true, "Certificates in a chain, the root included." },
	{ "tls.client_keys", SN_CONF_LIST, AT(tls.client_key_words), "p256,p384,ed25519,rsa2048", 1, 8, NULL,
	  true, "Types of keys that clients' certificates may have." },
	{ "tls.clock_tolerance", SN_CONF_DURATION, AT(tls.clock_tolerance), "5m", 0, HOUR, NULL,
	  true, "How far ahead a certificate's beginning may lie." },
	{ "tls.crl_expired", SN_CONF_WORD, AT(tls.crl_expired), "refuse", 0, 0, "refuse|grace",
	  true, "What to do once a revocation list is past its next update." },
	{ "tls.crl_grace", SN_CONF_DURATION, AT(tls.crl_grace_time), "48h", SECOND, 30 * DAY, NULL,
	  true, "With \"grace\": for how long it is still believed." },
	{ "tls.certificate_alarm", SN_CONF_DURATION, AT(tls.certificate_alarm), "30d", 0, 3650 * DAY, NULL,
	  true, "How long before the server's certificate or one of the authority's ends the log begins to warn." },
	{ "tls.crl_alarm", SN_CONF_DURATION, AT(tls.crl_alarm), "48h", 0, 365 * DAY, NULL,
	  true, "How long before a revocation list's next update the log begins to warn." },
	{ "tls.crl_alarm_every", SN_CONF_DURATION, AT(tls.crl_alarm_every), "1h", SECOND, DAY, NULL,
	  true, "How often it does." },

	{ "account.rule", SN_CONF_WORD, AT(account.rule_word), "cn", 0, 0, "cn|dn|san-uri",
	  false, "What of a certificate names the account." },
	{ "account.devices_max", SN_CONF_INT, AT(account.devices_max), "16", 1, 1000, NULL,
	  true, "Devices an account may have that are not revoked." },
	{ "account.consumers_max", SN_CONF_INT, AT(account.consumers_max), "8", 1, 64, NULL,
	  true, "Consumers that a device may have." },
	{ "account.new_device_history", SN_CONF_DURATION, AT(account.new_device_history), "30d", 0, 3650 * DAY, NULL,
	  true, "How old the messages are that a new device begins with." },
	{ "account.visible", SN_CONF_WORD, AT(account.visible), "rooms", 0, 0, "rooms|all|self",
	  true, "Who may see whether an account is there, and its devices: those who share a room or conversation, everybody, or itself." },

	{ "password.memory", SN_CONF_SIZE, AT(password.memory), "19MiB", 19 * MIB, GIB, NULL,
	  true, "Memory of one Argon2id." },
	{ "password.iterations", SN_CONF_INT, AT(password.iterations), "2", 2, 100, NULL,
	  true, "Its passes." },
	{ "password.parallelism", SN_CONF_INT, AT(password.parallelism), "1", 1, 16, NULL,
	  true, "Its lanes." },
	{ "password.workers", SN_CONF_INT, AT(password.workers), "1", 1, 64, NULL,
	  false, "Threads that check passwords." },
	{ "password.queue", SN_CONF_INT, AT(password.queue), "64", 1, 100000, NULL,
	  true, "Passwords that may wait; above it clients are told to come back." },
	{ "password.answer_time", SN_CONF_DURATION, AT(password.answer_time), "1s", 10, MINUTE, NULL,
	  true, "Every refusal takes this long, or a whole number of times it." },
	{ "password.delay_first", SN_CONF_DURATION, AT(password.delay_first), "1s", 10, HOUR, NULL,
	  true, "How long a certificate is refused after its first wrong password; it doubles." },
	{ "password.delay_max", SN_CONF_DURATION, AT(password.delay_max), "15m", 10, DAY, NULL,
	  true, "The longest such delay." },
	{ "password.failures_per_day", SN_CONF_INT, AT(password.failures_per_day), "1000", 1, 1000000, NULL,
	  true, "Wrong passwords of one account in a day that raise an alarm." },
	{ "password.first_secret_life", SN_CONF_DURATION, AT(password.first_secret_life), "72h", SECOND, 90 * DAY, NULL,
	  true, "How long the one-time secret of a new account is good." },
	{ "password.token_life", SN_CONF_DURATION, AT(password.token_life), "12h", SECOND, 30 * DAY, NULL,
	  true, "How long after a password a session may be resumed without it." },

	{ "limits.connections", SN_CONF_INT, AT(limits.connections), "20000", 1, 1000000, NULL,
	  false, "Connections at once." },
	{ "limits.connections_per_address", SN_CONF_INT, AT(limits.connections_per_address), "256", 1, 1000000, NULL,
	  false, "Of one address, of those that are not logged in." },
	{ "limits.logging_in", SN_CONF_INT, AT(limits.logging_in), "256", 1, 1000000, NULL,
	  true, "Connections that log in at the same time; others wait for their turn." },
	{ "limits.handshake_time", SN_CONF_DURATION, AT(limits.handshake_time), "10s", 100, HOUR, NULL,
	  true, "For a connection to log in." },
	{ "limits.idle_time", SN_CONF_DURATION, AT(limits.idle_time), "150s", 100, DAY, NULL,
	  true, "Silence after which a session ends." },
	{ "limits.sessions_per_account", SN_CONF_INT, AT(limits.sessions_per_account), "128", 1, 1000000, NULL,
	  true, "Sessions that one account may have at once." },
	{ "limits.frame_rate", SN_CONF_INT, AT(limits.frame_rate), "250000", 1, 10000000, NULL,
	  true, "Frames a second that an account's sessions are read; faster ones wait." },
	{ "limits.frame_burst", SN_CONF_INT, AT(limits.frame_burst), "250000", 1, 10000000, NULL,
	  true, "How many may come at once." },
	{ "limits.output_queue", SN_CONF_SIZE, AT(limits.output_queue), "1MiB", 512 * 1024, GIB, NULL,
	  true, "Output that may wait for one session." },
	{ "limits.queue_bytes", SN_CONF_SIZE, AT(limits.queue_bytes), "64MiB", MIB, 16 * GIB, NULL,
	  false, "Operations that may wait to be stored." },
	{ "limits.body_max", SN_CONF_SIZE, AT(limits.body_max), "60KiB", 1, 61440, NULL,
	  true, "The longest message." },
	{ "limits.rooms_max", SN_CONF_INT, AT(limits.rooms_max), "100000", 1, 100000000, NULL,
	  true, "Rooms of the server." },
	{ "limits.members_max", SN_CONF_INT, AT(limits.members_max), "10000", 1, 1000000, NULL,
	  true, "Members of a room." },
	{ "limits.rooms_per_account", SN_CONF_INT, AT(limits.rooms_per_account), "1000", 1, 100000, NULL,
	  true, "Rooms that one account may be in." },
	{ "limits.small_room", SN_CONF_INT, AT(limits.small_room), "32", 2, 256, NULL,
	  true, "Members up to which a room has receipts, signals and presence." },
	{ "limits.signal_rate", SN_CONF_INT, AT(limits.signal_rate), "250000", 1, 1000000, NULL,
	  true, "Signals a second that an account may send; more are dropped." },
	{ "limits.sign_rate", SN_CONF_INT, AT(limits.sign_rate), "20000", 1, 1000000, NULL,
	  true, "Handshakes a second that the keeper signs." },
	{ "limits.account_bytes", SN_CONF_SIZE, AT(limits.account_bytes), "8GiB", 0, UINT64_C(1) << 46, NULL,
	  true, "Stored messages of one account, above which it cannot send; 0: any." },

	{ "retention.age", SN_CONF_DURATION, AT(retention.age), "0s", 0, 36500 * DAY, NULL,
	  true, "Messages older than this are removed; 0: none is." },
	{ "retention.bytes", SN_CONF_SIZE, AT(retention.bytes), "0", 0, UINT64_C(1) << 46, NULL,
	  true, "Stored messages above this are removed, the oldest first; 0: none is." },
	{ "retention.room_bytes", SN_CONF_SIZE, AT(retention.room_bytes), "0", 0, UINT64_C(1) << 46, NULL,
	  true, "The same of each room and conversation." },
	{ "retention.dedupe", SN_CONF_DURATION, AT(retention.dedupe), "7d", 7 * DAY, 3650 * DAY, NULL,
	  true, "How long a message sent again is known by its id." },

	{ "store.map_size", SN_CONF_SIZE, AT(store.map_size), "64GiB", MIB, UINT64_C(1) << 46, NULL,
	  false, "The most that messages and accounts may take on disk." },
	{ "store.keeper_map_size", SN_CONF_SIZE, AT(store.keeper_map_size), "1GiB", MIB, UINT64_C(1) << 40, NULL,
	  false, "The same of password hashes and counters." },
	{ "store.batch_max", SN_CONF_INT, AT(store.batch_max), "1024", 1, 100000, NULL,
	  true, "Operations that one write to disk makes durable." },
	/* clang-format on */
};
#define KEYS (sizeof(keys) / sizeof(*keys))

static const struct {
	const char *word;
	unsigned bit;
} key_words[] = {
	{ "p256", SN_CERT_P256 },
	{ "p384", SN_CERT_P384 },
	{ "ed25519", SN_CERT_ED25519 },
	{ "rsa2048", SN_CERT_RSA2048 },
	{ "rsa3072", SN_CERT_RSA3072 },
};

static bool key_bit(const char *word, unsigned *set)
{
	for (size_t i = 0; i < sizeof(key_words) / sizeof(*key_words); i++) {
		if (strcmp(word, key_words[i].word) == 0) {
			*set |= key_words[i].bit;
			return (true);
		}
	}
	return (false);
}

/* Those we may run on.  Asked without opening a file, for net comes here on
 * a reload. */
static uint64_t cores(void)
{
	cpu_set_t set;
	int n = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	return (n > 64 ? 64 : (uint64_t)n);
}

/* What one row alone cannot say. */
static void derive(
    const char *file, struct settings *s, struct sn_conf_report *report)
{
	if (s->loops == 0)
		s->loops = cores();
	for (size_t i = 0; i < s->tls.client_key_words.count; i++) {
		const char *word = s->tls.client_key_words.items[i];

		if (!key_bit(word, &s->tls.client_keys))
			sn_conf_report_add(report, file, 0,
			    "tls.client_keys takes p256, p384, ed25519, "
			    "rsa2048, rsa3072, and not %s",
			    word);
	}
	for (size_t i = 0; i < s->admins.count; i++) {
		const char *uid = s->admins.items[i];

		if (uid[0] == '\0' || strspn(uid, "0123456789") != strlen(uid))
			sn_conf_report_add(report, file, 0,
			    "admins takes numbers of users (id -u NAME), and "
			    "not %s",
			    uid);
	}
	s->account.rule =
	    (enum sn_subject_rule)(SN_SUBJECT_CN + s->account.rule_word);
	if (s->tls.crl_expired != 0)
		s->tls.crl_grace = s->tls.crl_grace_time;
	if (s->password.delay_max < s->password.delay_first)
		sn_conf_report_add(report, file, 0,
		    "password.delay_max is below password.delay_first");
}

static enum sn_err finish(const char *file, enum sn_err err, struct settings *s,
    struct sn_conf_report *report, struct settings **out)
{
	if (err == SN_OK) {
		derive(file, s, report);
		if (report->errors > 0)
			err = SN_ECONF;
	}
	if (err != SN_OK) {
		settings_free(s);
		return (err);
	}
	*out = s;
	return (SN_OK);
}

enum sn_err settings_read(
    const char *path, struct settings **out, struct sn_conf_report *report)
{
	struct settings *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return (SN_ENOMEM);
	return (finish(
	    path, sn_conf_read(path, keys, KEYS, s, report), s, report, out));
}

enum sn_err settings_of_text(
    struct sn_bytes text, struct settings **out, struct sn_why *why)
{
	struct sn_conf_report *report = calloc(1, sizeof(*report));
	struct settings *s = calloc(1, sizeof(*s));
	enum sn_err err = SN_ENOMEM;

	/* The name matters for relative paths, which net never opens. */
	if (report != NULL && s != NULL)
		err = finish("sicherd.conf",
		    sn_conf_read_text(
			text, "sicherd.conf", keys, KEYS, s, report),
		    s, report, out);
	else
		free(s);
	if (err != SN_OK)
		(void)sn_why(why, err, "%s",
		    report != NULL ? report->text : "no memory");
	free(report);
	return (err);
}

static enum sn_err dump_text(
    const struct settings *s, const struct sn_conf_key *key, char **text)
{
	size_t n;
	FILE *to = open_memstream(text, &n);

	if (to == NULL)
		return (SN_ENOMEM);
	sn_conf_dump(key, 1, s, to);
	return (fclose(to) == 0 ? SN_OK : SN_ENOMEM);
}

enum sn_err settings_check_reload(const struct settings *now,
    const struct settings *next, struct sn_conf_report *report)
{
	sn_conf_report_clear(report);
	for (size_t i = 0; i < KEYS; i++) {
		char *a = NULL, *b = NULL;

		if (keys[i].reloadable)
			continue;
		if (dump_text(now, &keys[i], &a) == SN_OK &&
		    dump_text(next, &keys[i], &b) == SN_OK && strcmp(a, b) != 0)
			sn_conf_report_add(report, keys[i].name, 0,
			    "only a restart can change this");
		free(a);
		free(b);
	}
	return (report->errors == 0 ? SN_OK : SN_ECONF);
}

void settings_free(struct settings *settings)
{
	if (settings == NULL)
		return;
	sn_conf_free(keys, KEYS, settings);
	free(settings);
}

void settings_sample(FILE *to)
{
	(void)fputs("# sicherd.conf: see sicherd.conf(5).  Every key with its "
		    "default; those without '#' must be set.\n\n",
	    to);
	sn_conf_sample(keys, KEYS, to);
}

void settings_dump(const struct settings *settings, FILE *to)
{
	sn_conf_dump(keys, KEYS, settings, to);
}
