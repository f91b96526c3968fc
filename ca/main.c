#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ca/cmd.h"
#include "ca/fault.h"
#include "lib/cli.h"
#include "lib/secret.h"
#include "lib/version.h"

/* clang-format off */
#define ROOT_KEY							      \
	{ "root-key", 0, "FILE", "the root's key, where it is not in "	      \
	    "DIR/private" },						      \
	{ "root-passphrase-fd", 0, "N", "its passphrase, where it has one "   \
	    "of its own, from descriptor N" },				      \
	{ "root-passphrase-file", 0, "FILE", "the same from a file" }
#define PASSPHRASE							      \
	{ "passphrase-fd", 0, "N", "read the authority's passphrase from "    \
	    "descriptor N" },						      \
	{ "passphrase-file", 'p', "FILE", "read it from a file that nobody "  \
	    "else can read" }

#define DEVICE								      \
	{ "device", 'd', "LABEL", "which of the account's devices (main)" },  \
	{ "csr", 0, "FILE", "certify the key of this request; - is standard " \
	    "input" },							      \
	{ "out", 'o', "DIR", "write the files there" },			      \
	{ "p12", 0, "FILE", "write a PKCS#12 file, too" },		      \
	{ "compat", 0, NULL, "PKCS#12 with old algorithms, for old programs" },\
	{ "p12-passphrase-fd", 0, "N", "read the PKCS#12 password from "      \
	    "descriptor N" },						      \
	{ "p12-passphrase-file", 0, "FILE", "read it from a file" },	      \
	{ "key-passphrase-fd", 0, "N", "encrypt key.pem with the passphrase " \
	    "read from descriptor N" },					      \
	{ "key-passphrase-file", 0, "FILE", "the same from a file" },	      \
	{ "days", 0, "N", "valid for N days" },				      \
	{ "profile", 0, "NAME", "the profile of sicher-ca.conf to follow" }

static const struct sn_cli_option common[] = {
	{ "dir", 'D', "DIR", "the authority's folder; else $SICHER_CA_DIR, "
	    "else ./authority" },
	{ "config", 'c', "FILE", "the authority's rules; else DIR/sicher-ca.conf" },
	{ "json", 'j', NULL, "answer in JSON, one object" },
	PASSPHRASE,
	SN_CLI_END
};

static const struct sn_cli_option init_options[] = {
	{ "server", 0, "HOST", "make a certificate for this server, too" },
	SN_CLI_END
};

static const struct sn_cli_option issue_options[] = {
	DEVICE,
	{ "batch", 0, "FILE", "certify many requests, a JSON object a line; "
	    "- is standard input" },
	SN_CLI_END
};

static const struct sn_cli_option renew_options[] = {
	DEVICE,
	{ "keep-old", 0, "DAYS", "how long the old certificate is kept; else "
	    "keep_old of sicher-ca.conf" },
	SN_CLI_END
};

static const struct sn_cli_option expiry_options[] = {
	{ "within", 0, "DAYS", "what ends within so many days (30d)" },
	SN_CLI_END
};

static const struct sn_cli_option server_options[] = {
	{ "san", 0, "NAME", "another DNS name or address; may be repeated" },
	{ "csr", 0, "FILE", "certify the key of this request" },
	{ "out", 'o', "DIR", "write the files there" },
	{ "days", 0, "N", "valid for N days" },
	{ "profile", 0, "NAME", "the profile of sicher-ca.conf to follow" },
	{ "keep-old", 0, "DAYS", "how long the certificate in the folder is "
	    "kept, or without one all of the host's; else keep_old of "
	    "sicher-ca.conf" },
	{ "beside", 0, NULL, "what the host has now stays, as another "
	    "machine's of that name" },
	SN_CLI_END
};

static const struct sn_cli_option revoke_options[] = {
	{ "device", 'd', "LABEL", "only this device" },
	{ "serial", 0, "HEX", "the certificate with this serial" },
	{ "file", 0, "FILE", "the certificate in this file" },
	{ "due", 0, NULL, "everything renewed whose time to be kept is over" },
	{ "reason", 'r', "REASON", "keyCompromise, superseded, "
	    "affiliationChanged, cessationOfOperation, privilegeWithdrawn, ..." },
	{ "control", 0, "SOCKET", "tell the server behind this socket" },
	ROOT_KEY,
	SN_CLI_END
};

static const struct sn_cli_option crl_options[] = {
	{ "control", 0, "SOCKET", "tell the server behind this socket" },
	ROOT_KEY,
	SN_CLI_END
};

static const struct sn_cli_option crl_check_options[] = {
	{ "control", 0, "SOCKET", "ask the server behind this socket, too" },
	SN_CLI_END
};

static const struct sn_cli_option passwd_options[] = {
	{ "new-passphrase-fd", 0, "N", "read the new passphrase from "
	    "descriptor N" },
	{ "new-passphrase-file", 0, "FILE", "read it from a file that nobody "
	    "else can read" },
	ROOT_KEY,
	SN_CLI_END
};

static const struct sn_cli_option restore_options[] = {
	{ "crl", 0, "FILE", "the latest crl.pem there is, from a server; may "
	    "be repeated" },
	{ "ca", 0, "FILE", "the ca.pem beside it, where an issuing CA was made "
	    "since" },
	{ "no-crl", 0, NULL, "there is none left, neither here nor there" },
	SN_CLI_END
};

static const struct sn_cli_option list_options[] = {
	{ "account", 'a', "ACCOUNT", "only this account's" },
	{ "device", 'd', "LABEL", "only devices of this label" },
	{ "state", 's', "STATE", "valid, revoked, expired, held, pending or "
	    "abandoned" },
	{ "expiring", 0, "DAYS", "valid, but ending within so many days" },
	SN_CLI_END
};

static const struct sn_cli_option verify_options[] = {
	{ "trust", 0, "FILE", "trust the roots in this file (DIR/ca.pem); may "
	    "be repeated, as may the next three" },
	{ "chain", 0, "FILE", "certificates of CAs that may be on the way" },
	{ "crl", 0, "FILE", "revocation lists (DIR/crl.pem)" },
	{ "policy", 0, "OID", "a certificate policy that will do" },
	{ "explicit-policy", 0, NULL, "a policy must be in force" },
	{ "inhibit-mapping", 0, NULL, "no policy may stand for another" },
	{ "inhibit-any", 0, NULL, "anyPolicy stands for none" },
	{ "purpose", 0, "PURPOSE", "client, server or any (any)" },
	SN_CLI_END
};

static const struct sn_cli_option check_options[] = {
	{ "accept-clock", 0, NULL, "the clock is right and the books' last "
	    "time is wrong" },
	SN_CLI_END
};

static const struct sn_cli_command commands[] = {
	{ "init", "ORGANISATION", "make an authority: root, issuing CA, CRLs",
	    init_options,
	    "  sicher-ca init \"Example Ltd\" --server chat.example.org "
	    "--dir /srv/ca\n"
	    "asks for a new passphrase twice, and makes /srv/ca with the "
	    "root, the\nissuing CA, both CRLs, and the server's certificate "
	    "in\n/srv/ca/servers/chat.example.org/.\n",
	    1, 1, cmd_init },
	{ "issue", "[ACCOUNT]", "issue a certificate for a person's device",
	    issue_options,
	    "  sicher-ca issue alice --device laptop\n"
	    "writes authority/people/alice/laptop/ with cert.pem, key.pem and "
	    "ca.pem.\n\n"
	    "  sicher-ca issue alice --device phone --csr phone.csr "
	    "--out ./phone\n"
	    "certifies a key that never leaves the phone.\n\n"
	    "  sicher-ca issue --batch people.jsonl > certificates.jsonl\n"
	    "certifies {\"account\": \"alice\", \"device\": \"laptop\", "
	    "\"csr\": \"-----BEGIN ...\"}\nand so on, and answers each line "
	    "with one that has the certificate.\n",
	    0, 1, cmd_issue },
	{ "renew", "ACCOUNT", "certify a device anew, before its certificate "
	    "ends", renew_options,
	    "  sicher-ca renew alice --device laptop\n"
	    "writes a new key and certificate where issue did.  The old one "
	    "stays valid\nfor another 14 days (--keep-old), and is then due "
	    "for revocation:\nsicher-ca expiry shows it, sicher-ca revoke "
	    "--due does it.\n\n"
	    "  sicher-ca renew alice --device phone --csr phone.csr --keep-old "
	    "0\n"
	    "certifies the phone's own new key; the old one is due at once.\n",
	    1, 1, cmd_renew },
	{ "server", "HOST", "issue a certificate for a server", server_options,
	    "  sicher-ca server chat.example.org --san 192.0.2.7\n"
	    "writes authority/servers/chat.example.org/ with chain.pem, "
	    "key.pem and ca.pem.\n"
	    "Said again it renews: the certificate that lies there is due for "
	    "revocation\nafter 14 days (--keep-old).\n\n"
	    "  sicher-ca server chat.example.org --beside --out ./second\n"
	    "makes one for a second machine of that name; each is renewed in "
	    "its folder.\n",
	    1, 1, cmd_server },
	{ "revoke", "[ACCOUNT]", "revoke certificates, publish the CRL, tell "
	    "the server", revoke_options,
	    "  sicher-ca revoke alice --device laptop --reason keyCompromise "
	    "\\\n      --control /run/sichernetz/control\n"
	    "CRL 42 in force, 1 session closed.\n",
	    0, 1, cmd_revoke },
	{ "root show", NULL, "show the root, and where its key is", NULL,
	    "  sicher-ca root show\n", 0, 0, cmd_root_show },
	{ "root export", "FILE", "write the root's certificate alone", NULL,
	    "  sicher-ca root export example-root.pem\n"
	    "writes it, and prints the fingerprint to compare; - is standard "
	    "output.\n",
	    1, 1, cmd_root_export },
	{ "root offline", "PLACE", "move the root's key to a medium", NULL,
	    "  sicher-ca root offline /media/stick\n"
	    "moves it to /media/stick/root.pem, once it has been read back "
	    "from there.\nFrom then on --root-key /media/stick/root.pem "
	    "where the root has to sign.\n",
	    1, 1, cmd_root_offline },
	{ "issuer create", NULL, "make the issuing CA that will sign next",
	    crl_options,
	    "  sicher-ca issuer create --root-key /media/stick/root.pem\n"
	    "makes its key, certificate and list, and publishes them; it "
	    "signs nothing\nbefore sicher-ca issuer rotate.\n",
	    0, 0, cmd_issuer_create },
	{ "issuer list", NULL, "list the issuing CAs", NULL,
	    "  sicher-ca issuer list\n", 0, 0, cmd_issuer_list },
	{ "issuer rotate", NULL, "let the next issuing CA sign from now on",
	    crl_options,
	    "  sicher-ca issuer rotate\n"
	    "takes the one that issuer create has made, or makes it first "
	    "(with the\nroot's key).  What the one before has issued stays "
	    "valid.\n",
	    0, 0, cmd_issuer_rotate },
	{ "crl", NULL, "the same as crl show", NULL, "  sicher-ca crl\n", 0, 0,
	    cmd_crl_show },
	{ "crl show", NULL, "show the CRLs in force", NULL,
	    "  sicher-ca crl show\n", 0, 0, cmd_crl_show },
	{ "crl publish", NULL, "sign the CRLs anew and publish them",
	    crl_options,
	    "  sicher-ca crl publish --passphrase-file /etc/sicher-ca/secret\n"
	    "from a timer, once a day, keeps the CRLs from running out.  The "
	    "root's is\nsigned when half its time is over, or when --root-key "
	    "is given.\n",
	    0, 0, cmd_crl_publish },
	{ "crl check", "[FILE]", "examine crl.pem, and what the server has",
	    crl_check_options,
	    "  sicher-ca crl check --control /run/sichernetz/control\n"
	    "from a timer: every list is there, rightly signed, whole, "
	    "the\nlatest, and in force; 5 when one is old or ends soon, 6 when "
	    "the file is damaged.\n",
	    0, 1, cmd_crl_check },
	{ "list", NULL, "list certificates", list_options,
	    "  sicher-ca list --account alice --state valid\n", 0, 0,
	    cmd_list },
	{ "show", "SERIAL|FILE", "show one certificate of the books", NULL,
	    "  sicher-ca show authority/people/alice/laptop/cert.pem\n", 1, 1,
	    cmd_show },
	{ "verify", "FILE", "verify a certificate up to a trusted root",
	    verify_options,
	    "  sicher-ca verify authority/people/alice/laptop/cert.pem "
	    "--purpose client\n"
	    "says which CAs vouch for it, or why it is not to be accepted "
	    "(exit 4).\n",
	    1, 1, cmd_verify },
	{ "expiry", NULL, "what ends soon, and what to do about it",
	    expiry_options,
	    "  sicher-ca expiry --within 14d\n"
	    "from a timer: certificates, CAs, lists, and renewed certificates "
	    "to revoke.\nIt ends with 5 when something is due, else with "
	    "0.  A list is due when less\nthan a third of its time is left, "
	    "and never before those days.\n",
	    0, 0, cmd_expiry },
	{ "lint", "FILE", "hold certificates and CRLs against the rules", NULL,
	    "  sicher-ca lint chain.pem\n"
	    "looks at each certificate and CRL in the file, ours or not, and "
	    "says which\nrules of RFC 5280 and of this authority it breaks "
	    "(exit 4).\n",
	    1, 1, cmd_lint },
	{ "audit", NULL, "print the audit trail", NULL,
	    "  sicher-ca audit\n"
	    "prints each entry: number, time, user, event, and what of.\n",
	    0, 0, cmd_audit },
	{ "audit verify", "[SEQUENCE:HASH]", "verify the chain of the audit "
	    "trail", NULL,
	    "  sicher-ca audit verify\n"
	    "prints the head of the chain, to be noted elsewhere; given back "
	    "later, it\nproves that nothing before it was changed or taken "
	    "away (exit 6).\n",
	    0, 1, cmd_audit_verify },
	{ "key passwd", NULL, "change the passphrase of the authority's keys",
	    passwd_options,
	    "  sicher-ca key passwd\n"
	    "asks for the old one and twice for the new one.  When it was "
	    "interrupted, the\nsame command with the same two goes on.\n",
	    0, 0, cmd_key_passwd },
	{ "backup", "FILE", "write all that is needed into one file", NULL,
	    "  sicher-ca backup /media/stick/authority-monday\n"
	    "writes books, keys (encrypted) and rules while others work; a "
	    "file that is\nthere already is not replaced.\n",
	    1, 1, cmd_backup },
	{ "restore", "FILE", "take a backup back, without losing what came "
	    "after it", restore_options,
	    "  sicher-ca restore /media/stick/authority-monday\n"
	    "puts the books into the authority's folder, and carries forward "
	    "what is known\nthere: certificates, revocations, numbers of "
	    "lists, the audit trail.\n\n"
	    "  sicher-ca restore monday --dir /srv/ca --crl "
	    "crl-of-the-server.pem\n"
	    "makes /srv/ca anew on another machine; the list says what was "
	    "revoked since.\n",
	    1, 1, cmd_restore },
	{ "check", NULL, "examine the books, and settle what a crash left",
	    check_options,
	    "  sicher-ca check\n"
	    "The books are whole, and nothing is left over.\n",
	    0, 0, cmd_check },
	{ NULL, NULL, NULL, NULL, NULL, 0, 0, NULL },
};
/* clang-format on */

static const struct sn_cli_program program = {
	.name = "sicher-ca",
	.summary = "the certificate authority of SicherNetz",
	.version = SN_VERSION,
	.epilogue =
	    "sicher-ca --sample-config prints a sicher-ca.conf.\n"
	    "exit status: 0 ok, 1 failed, 2 usage, 3 not found, 4 refused by "
	    "policy,\n5 done but something needs attention, 6 the books are "
	    "damaged\n",
	.options = common,
	.commands = commands,
	.usage_exit = STATUS_USAGE,
	.output_exit = STATUS_FAILED,
};

int main(int argc, char **argv)
{
	(void)umask(022);
	fault_guard();
	if (sn_secret_process() != SN_OK)
		return (STATUS_FAILED);
	if (argc == 2 && strcmp(argv[1], "--sample-config") == 0) {
		policy_sample(stdout);
		return (fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED);
	}
	return (sn_cli_run(&program, argc, argv, NULL));
}
