#include "client/profile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/bytes.h"
#include "lib/conf.h"
#include "lib/file.h"

#include <openssl/evp.h>

#define AT(field) offsetof(struct profile, field)
#define PORT_USUAL "7443"

/* clang-format off */
static const struct sn_conf_key keys[] = {
	{ "server", SN_CONF_STRING, AT(server), NULL, 1, 255, NULL, false,
	    "The server, host:port; its certificate must bear this name." },
	{ "authority", SN_CONF_PATH, AT(authority), "ca.pem", 1, 4000, NULL,
	    false,
	    "Your organisation's authority (ca.pem): whom to believe that a "
	    "server is\n# the right one.  Paths begin at this file's folder." },
	{ "certificate", SN_CONF_PATH, AT(certificate), "cert.pem", 1, 4000,
	    NULL, false, "This device's certificate, and its private key." },
	{ "key", SN_CONF_PATH, AT(key), "key.pem", 1, 4000, NULL, false,
	    "Nobody else may read it (chmod 600)." },
	{ "key_passphrase_file", SN_CONF_PATH, AT(key_passphrase_file), "", 0,
	    4000, NULL, false,
	    "Where the key's passphrase stands, if it has one; else it is "
	    "asked for." },
	{ "password_file", SN_CONF_PATH, AT(password_file), "", 0, 4000, NULL,
	    false,
	    "Where your password stands, for machines; else it is asked for.  "
	    "Nobody\n# else may read it." },
	{ "state_dir", SN_CONF_PATH, AT(state_dir), "", 0, 4000, NULL, false,
	    "Where to remember which messages were shown.  Empty: a folder "
	    "for this\n# profile in $XDG_STATE_HOME/sicher (~/.local/state)." },
};
/* clang-format on */
#define KEYS (sizeof(keys) / sizeof(*keys))

static enum sn_err too_long(struct sn_why *why, const char *what)
{
	return (sn_why(why, SN_ECONF, "%s is too long", what));
}

/* $${variable}/sicher, else ~/${usual}/sicher. */
static enum sn_err xdg(const char *variable, const char *usual,
    char out[PATH_MAX], struct sn_why *why)
{
	const char *dir = getenv(variable), *home = getenv("HOME");
	int n;

	if (dir != NULL && dir[0] == '/')
		n = snprintf(out, PATH_MAX, "%s/sicher", dir);
	else if (home != NULL && home[0] == '/')
		n = snprintf(out, PATH_MAX, "%s/%s/sicher", home, usual);
	else
		return (sn_why(why, SN_ECONF,
		    "neither $%s nor $HOME is set; give the profile's path by "
		    "--profile, and state_dir in it",
		    variable));
	return (n < PATH_MAX ? SN_OK : too_long(why, variable));
}

static bool is_path(const char *name)
{
	size_t n = strlen(name);

	return (strchr(name, '/') != NULL ||
		(n > 5 && strcmp(name + n - 5, ".conf") == 0));
}

static enum sn_err locate(
    const char *name, struct profile *p, char label[64], struct sn_why *why)
{
	char dir[PATH_MAX], hex[65], *real;
	uint8_t sum[32];
	enum sn_err err;

	if (name == NULL &&
	    ((name = getenv("SICHER_PROFILE")) == NULL || name[0] == '\0'))
		name = "default";
	if (is_path(name)) {
		if ((real = realpath(name, NULL)) == NULL)
			return (sn_why(why, SN_ENOTFOUND,
			    "there is no profile %s; make one with: sicher "
			    "--sample-config > %s",
			    name, name));
		(void)snprintf(p->path, sizeof(p->path), "%s", real);
		(void)EVP_Digest(
		    real, strlen(real), sum, NULL, EVP_sha256(), NULL);
		(void)snprintf(
		    label, 64, "at-%.16s", sn_bytes_hex(sum, 32, hex));
		free(real);
		return (SN_OK);
	}
	if ((err = xdg("XDG_CONFIG_HOME", ".config", dir, why)) != SN_OK)
		return (err);
	if (strlen(name) > 60)
		return (too_long(why, "the profile's name"));
	(void)snprintf(label, 64, "%s", name);
	if (snprintf(p->path, sizeof(p->path), "%s/%s.conf", dir, name) >=
	    (int)sizeof(p->path))
		return (too_long(why, "the profile's path"));
	return (SN_OK);
}

static enum sn_err split(struct profile *p, struct sn_why *why)
{
	const char *server = p->server, *colon = strrchr(server, ':');
	const char *port = PORT_USUAL, *end = server + strlen(server);
	bool bracket = server[0] == '[';

	if (bracket) {
		const char *close = strchr(server, ']');

		if (close == NULL || (close[1] != ':' && close[1] != '\0'))
			goto wrong;
		if (close[1] == ':')
			port = close + 2;
		server++;
		end = close;
	} else if (colon != NULL && strchr(server, ':') == colon) {
		port = colon + 1;
		end = colon;
	} else if (strspn(server, "0123456789abcdefABCDEF:.%") !=
		       strlen(server) &&
		   colon != NULL) {
		goto wrong;
	}
	if (end == server || (size_t)(end - server) >= sizeof(p->host) ||
	    port[0] == '\0' || strlen(port) > 5 ||
	    strspn(port, "0123456789") != strlen(port) ||
	    strtol(port, NULL, 10) < 1 || strtol(port, NULL, 10) > 65535)
		goto wrong;
	(void)snprintf(
	    p->host, sizeof(p->host), "%.*s", (int)(end - server), server);
	(void)snprintf(p->port, sizeof(p->port), "%s", port);
	return (SN_OK);
wrong:
	return (sn_why(why, SN_ECONF,
	    "%s: server = \"%.80s\" is no host:port; like "
	    "\"chat.example.org:7443\" or \"[2001:db8::7]:7443\"",
	    p->path, p->server));
}

static enum sn_err place(
    struct profile *p, const char *label, struct sn_why *why)
{
	char dir[PATH_MAX];
	enum sn_err err;

	if (p->state_dir[0] != '\0') {
		(void)snprintf(p->state, sizeof(p->state), "%s", p->state_dir);
		return (SN_OK);
	}
	if ((err = xdg("XDG_STATE_HOME", ".local/state", dir, why)) != SN_OK)
		return (err);
	if (snprintf(p->state, sizeof(p->state), "%s/%s", dir, label) >=
	    (int)sizeof(p->state))
		return (too_long(why, "the path of the state"));
	return (SN_OK);
}

/* The first mistake, and how many more there are. */
static enum sn_err complain(
    struct sn_conf_report *report, enum sn_err err, struct sn_why *why)
{
	report->text[strcspn(report->text, "\n")] = '\0';
	if (report->text[0] == '\0')
		return (sn_why(why, SN_ECONF, "the profile cannot be read: %s",
		    sn_err_text(err)));
	if (report->errors < 2)
		return (sn_why(why, SN_ECONF, "%s", report->text));
	return (sn_why(why, SN_ECONF, "%.400s (and %u more)", report->text,
	    report->errors - 1));
}

enum sn_err profile_read(
    const char *name, struct profile *out, struct sn_why *why)
{
	struct sn_conf_report report = { 0, "" };
	char label[64];
	enum sn_err err;

	memset(out, 0, sizeof(*out));
	if ((err = locate(name, out, label, why)) != SN_OK)
		return (err);
	err = sn_conf_read(out->path, keys, KEYS, out, &report);
	if (err == SN_ENOTFOUND)
		return (sn_why(why, err,
		    "there is no profile %s; make one with: sicher "
		    "--sample-config > %s (and put the server's name into it)",
		    out->path, out->path));
	if (err != SN_OK) {
		return (complain(&report, err, why));
	}
	if ((err = split(out, why)) != SN_OK ||
	    (err = place(out, label, why)) != SN_OK)
		profile_free(out);
	return (err);
}

void profile_free(struct profile *profile)
{
	sn_conf_free(keys, KEYS, profile);
}

enum sn_err profile_state(const struct profile *profile, struct sn_why *why)
{
	char path[PATH_MAX];
	struct stat st;

	if (stat(profile->state, &st) == 0)
		return (SN_OK);
	/* Each folder on the way that is not there yet. */
	for (size_t i = 1; profile->state[i] != '\0'; i++) {
		if (profile->state[i] != '/')
			continue;
		memcpy(path, profile->state, i);
		path[i] = '\0';
		if (stat(path, &st) != 0) {
			enum sn_err err = sn_file_mkdir(path, 0700, why);

			if (err != SN_OK)
				return (err);
		}
	}
	return (sn_file_mkdir(profile->state, 0700, why));
}

void profile_sample(FILE *to)
{
	(void)fputs(
	    "# A profile of sicher: sicher.conf(5).  Put it where sicher\n"
	    "# looks: ~/.config/sicher/default.conf, with ca.pem, cert.pem and\n"
	    "# key.pem beside it.\n\n",
	    to);
	sn_conf_sample(keys, KEYS, to);
}
