/* probe/dialogue: what is said before the ClientHello, against transcripts of real servers
 * (Postfix 3.7, Dovecot 2.3, vsftpd 3.0, OpenLDAP 2.5, PostgreSQL 15, MariaDB 10.11,
 * Prosody 0.12, InspIRCd 3.15) and examples of RFCs and of MS-TDS, MS-RDPBCGR. Every one is played
 * whole, byte by byte, cut in two everywhere, and cut off everywhere. */
#include "test.h"

#include "probe/dialogue.h"

#include <stdlib.h>

/* Text with zeros in it. */
#define B(text)                                                                                    \
    { (const uint8_t *)(text), sizeof(text) - 1 }

enum { TURNS = 4 };

struct transcript {
    const char *name;
    enum model_protocol protocol;
    enum dialogue_want want;
    const char *detail;
    struct {
        struct bytes hears, says; /* what we should have sent, then what the server says */
    } turns[TURNS];
    struct bytes last; /* sent at the end */
};

#define EHLO B("EHLO [192.0.2.1]\r\n")
#define SSL_REQUEST B("\0\0\0\10\4\322\26\57")
#define MYSQL_REQUEST                                                                              \
    B("\x20\0\0\1\0\x8a\0\0\0\0\0\1\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")
#define LDAP_REQUEST B("0\x1d\2\1\1w\x18\x80\x16\x31.3.6.1.4.1.1466.20037")
#define LDAP_UNBIND B("0\5\2\1\2B\0")
#define RDP_REQUEST B("\3\0\0\23\16\xe0\0\0\0\0\0\1\0\10\0\3\0\0\0")
#define TDS_REQUEST                                                                                \
    B("\x12\1\0\x2f\0\0\1\0\0\0\x1a\0\6\1\0\x20\0\1\2\0\x21\0\1\3\0\x22\0\4\4\0\x26\0\1\xff"       \
      "\11\0\0\0\0\0\1\0\0\0\0\0\0")
#define CLIENT_STREAM                                                                              \
    B("<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                                 \
      "xmlns:stream='http://etherx.jabber.org/streams' to='host.test' version='1.0'>")
#define SERVER_STREAM                                                                              \
    B("<?xml version='1.0'?><stream:stream xmlns='jabber:server' "                                 \
      "xmlns:stream='http://etherx.jabber.org/streams' to='host.test' version='1.0'>")
#define XMPP_STARTTLS B("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
#define OPTIONS                                                                                    \
    B("OPTIONS * HTTP/1.1\r\nHost: host.test\r\nUpgrade: TLS/1.0\r\nConnection: Upgrade\r\n\r\n")
#define MARIADB_GREETING(low)                                                                      \
    B("\x63\0\0\0\x0a"                                                                             \
      "5.5.5-10.11.6-MariaDB-0+deb12u1\0\x1f\0\0\0j8nzF3<|\0\xfe" low "\x2d\2\0\xff\x81\x15"       \
      "\0\0\0\0\0\0\x1d\0\0\0}yxmI9iMP~iH\0mysql_native_password\0")

/* clang-format off */
static const struct transcript transcripts[] = {
    /* ---- SMTP ---- */
    {"Postfix", MODEL_SMTP, DIALOGUE_DONE, "",
     {{B(""), B("220 mx.example.test ESMTP Postfix (Debian/GNU)\r\n")},
      {EHLO, B("250-mx.example.test\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ETRN\r\n"
               "250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n")},
      {B("STARTTLS\r\n"), B("220 2.0.0 Ready to start TLS\r\n")}}, B("")},
    {"RFC 3207", MODEL_SMTP, DIALOGUE_DONE, "",
     {{B(""), B("220 mail.imc.org SMTP service ready\r\n")},
      {EHLO, B("250-mail.imc.org offers a warm hug of welcome\r\n250-8BITMIME\r\n250-STARTTLS\r\n250 DSN\r\n")},
      {B("STARTTLS\r\n"), B("220 Go ahead\r\n")}}, B("")},
    {"a greeting of several lines, STARTTLS in lower case and last", MODEL_SMTP, DIALOGUE_DONE, "",
     {{B(""), B("220-wait\r\n220-for it\r\n220 mx ESMTP\r\n")},
      {EHLO, B("250-mx\r\n250 starttls\r\n")},
      {B("STARTTLS\r\n"), B("220\n")}}, B("")},
    {"SMTP without STARTTLS", MODEL_SMTP, DIALOGUE_NOT_OFFERED, "STARTTLS is not among what it offers",
     {{B(""), B("220 mx ESMTP\r\n")}, {EHLO, B("250-mx\r\n250-STARTTLSX\r\n250 SIZE\r\n")}}, B("QUIT\r\n")},
    {"SMTP, STARTTLS fails", MODEL_SMTP, DIALOGUE_NOT_OFFERED, "STARTTLS: 454 4.7.0 TLS not available due to local problem",
     {{B(""), B("220 mx ESMTP\r\n")}, {EHLO, B("250-mx\r\n250 STARTTLS\r\n")},
      {B("STARTTLS\r\n"), B("454 4.7.0 TLS not available due to local problem\r\n")}}, B("QUIT\r\n")},
    {"SMTP of before EHLO", MODEL_SMTP, DIALOGUE_NOT_OFFERED, "EHLO, then LHLO: 502 5.5.2 Error: command not recognized",
     {{B(""), B("220 mx\r\n")}, {EHLO, B("502 5.5.2 Error: command not recognized\r\n")},
      {B("LHLO [192.0.2.1]\r\n"), B("502 5.5.2 Error: command not recognized\r\n")}}, B("QUIT\r\n")},
    {"LMTP where SMTP was expected", MODEL_SMTP, DIALOGUE_DONE, "",
     {{B(""), B("220 host.test Dovecot (Debian) ready.\r\n")}, {EHLO, B("500 5.5.1 Unknown command\r\n")},
      {B("LHLO [192.0.2.1]\r\n"), B("250-host.test\r\n250 STARTTLS\r\n")}, {B("STARTTLS\r\n"), B("220 2.0.0 OK\r\n")}}, B("")},
    {"SMTP that will not have us", MODEL_SMTP, DIALOGUE_NOT_OFFERED, "EHLO: 550 no",
     {{B(""), B("220 mx\r\n")}, {EHLO, B("550 no\r\n")}}, B("QUIT\r\n")},
    {"SMTP is not for us", MODEL_SMTP, DIALOGUE_NOT_OFFERED, "greeting: 554 No SMTP service here \\x1b[31m",
     {{B(""), B("554 No SMTP service here \x1b[31m\r\n")}}, B("QUIT\r\n")},
    {"SMTP, not a reply", MODEL_SMTP, DIALOGUE_BAD, "not a reply with a number: SSH-2.0-OpenSSH_9.2p1 Debian-2",
     {{B(""), B("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")}}, B("")},
    {"SMTP, a code of four digits", MODEL_SMTP, DIALOGUE_BAD, "not a reply with a number: 2200 mx",
     {{B(""), B("2200 mx\r\n")}}, B("")},
    /* ---- LMTP ---- */
    {"Dovecot, LMTP", MODEL_LMTP, DIALOGUE_DONE, "",
     {{B(""), B("220 host.test Dovecot (Debian) ready.\r\n")},
      {B("LHLO [192.0.2.1]\r\n"), B("250-host.test\r\n250-STARTTLS\r\n250-8BITMIME\r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n250 PIPELINING\r\n")},
      {B("STARTTLS\r\n"), B("220 2.0.0 OK\r\n")}}, B("")},
    {"LMTP refuses", MODEL_LMTP, DIALOGUE_NOT_OFFERED, "LHLO: 500 5.5.1 Unknown command",
     {{B(""), B("220 mx\r\n")}, {B("LHLO [192.0.2.1]\r\n"), B("500 5.5.1 Unknown command\r\n")}}, B("QUIT\r\n")},
    /* ---- IMAP ---- */
    {"Dovecot, IMAP", MODEL_IMAP, DIALOGUE_DONE, "",
     {{B(""), B("* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ STARTTLS LOGINDISABLED] Dovecot (Debian) ready.\r\n")},
      {B("a1 STARTTLS\r\n"), B("a1 OK Begin TLS negotiation now.\r\n")}}, B("")},
    {"IMAP, news before the answer", MODEL_IMAP, DIALOGUE_DONE, "",
     {{B(""), B("* OK ready\r\n")}, {B("a1 STARTTLS\r\n"), B("* CAPABILITY IMAP4rev1 STARTTLS\r\nA1 ok go\r\n")}}, B("")},
    {"IMAP refuses", MODEL_IMAP, DIALOGUE_NOT_OFFERED, "STARTTLS: a1 BAD TLS support isn't enabled.",
     {{B(""), B("* OK ready\r\n")}, {B("a1 STARTTLS\r\n"), B("a1 BAD TLS support isn't enabled.\r\n")}}, B("a2 LOGOUT\r\n")},
    {"IMAP, logged in already", MODEL_IMAP, DIALOGUE_NOT_OFFERED, "greeting: * PREAUTH IMAP4rev1 server logged in as Smith",
     {{B(""), B("* PREAUTH IMAP4rev1 server logged in as Smith\r\n")}}, B("a2 LOGOUT\r\n")},
    {"IMAP, goodbye", MODEL_IMAP, DIALOGUE_NOT_OFFERED, "greeting: * BYE too busy",
     {{B(""), B("* BYE too busy\r\n")}}, B("a2 LOGOUT\r\n")},
    {"IMAP, a wrong tag", MODEL_IMAP, DIALOGUE_BAD, "not an answer of IMAP: a2 OK",
     {{B(""), B("* OK ready\r\n")}, {B("a1 STARTTLS\r\n"), B("a2 OK\r\n")}}, B("")},
    /* ---- POP3 ---- */
    {"Dovecot, POP3", MODEL_POP3, DIALOGUE_DONE, "",
     {{B(""), B("+OK Dovecot (Debian) ready.\r\n")}, {B("STLS\r\n"), B("+OK Begin TLS negotiation now.\r\n")}}, B("")},
    {"POP3 refuses", MODEL_POP3, DIALOGUE_NOT_OFFERED, "STLS: -ERR command not supported",
     {{B(""), B("+OK POP3 ready\r\n")}, {B("STLS\r\n"), B("-ERR command not supported\r\n")}}, B("QUIT\r\n")},
    {"POP3, another answer", MODEL_POP3, DIALOGUE_BAD, "not an answer of POP3: * OK",
     {{B(""), B("* OK\r\n")}}, B("")},
    /* ---- ManageSieve ---- */
    {"Dovecot, ManageSieve", MODEL_SIEVE, DIALOGUE_DONE, "",
     {{B(""), B("\"IMPLEMENTATION\" \"Dovecot (Debian) Pigeonhole\"\r\n\"SIEVE\" \"fileinto reject envelope\"\r\n"
                "\"NOTIFY\" \"mailto\"\r\n\"SASL\" \"\"\r\n\"STARTTLS\"\r\n\"VERSION\" \"1.0\"\r\nOK \"Dovecot (Debian) ready.\"\r\n")},
      {B("STARTTLS\r\n"), B("OK \"Begin TLS negotiation now.\"\r\n")}}, B("")},
    {"ManageSieve without STARTTLS", MODEL_SIEVE, DIALOGUE_NOT_OFFERED, "STARTTLS is not among what it offers",
     {{B(""), B("\"IMPLEMENTATION\" \"x\"\r\n\"SASL\" \"PLAIN\"\r\nOK\r\n")}}, B("LOGOUT\r\n")},
    {"ManageSieve refuses", MODEL_SIEVE, DIALOGUE_NOT_OFFERED, "STARTTLS: NO \"no\"",
     {{B(""), B("\"STARTTLS\"\r\nOK\r\n")}, {B("STARTTLS\r\n"), B("NO \"no\"\r\n")}}, B("LOGOUT\r\n")},
    {"ManageSieve, another protocol", MODEL_SIEVE, DIALOGUE_BAD, "not an answer of ManageSieve: 220 mx",
     {{B(""), B("220 mx\r\n")}}, B("")},
    /* ---- FTP ---- */
    {"vsftpd", MODEL_FTP, DIALOGUE_DONE, "",
     {{B(""), B("220 (vsFTPd 3.0.3)\r\n")}, {B("AUTH TLS\r\n"), B("234 Proceed with negotiation.\r\n")}}, B("")},
    {"FTP, lines between, and a word to wait", MODEL_FTP, DIALOGUE_DONE, "",
     {{B(""), B("120 soon\r\n220-Welcome\r\n  to our server\r\n221\r\n220 ready\r\n")}, {B("AUTH TLS\r\n"), B("234 go\r\n")}}, B("")},
    {"FTP refuses", MODEL_FTP, DIALOGUE_NOT_OFFERED, "AUTH TLS: 530 Please login with USER and PASS.",
     {{B(""), B("220 (vsFTPd 3.0.3)\r\n")}, {B("AUTH TLS\r\n"), B("530 Please login with USER and PASS.\r\n")}}, B("QUIT\r\n")},
    /* ---- NNTP ---- */
    {"RFC 4642", MODEL_NNTP, DIALOGUE_DONE, "",
     {{B(""), B("201 server ready, no posting\r\n")}, {B("STARTTLS\r\n"), B("382 Continue with TLS negotiation\r\n")}}, B("")},
    {"NNTP refuses", MODEL_NNTP, DIALOGUE_NOT_OFFERED, "STARTTLS: 580 Can not initiate TLS negotiation",
     {{B(""), B("200 ready\r\n")}, {B("STARTTLS\r\n"), B("580 Can not initiate TLS negotiation\r\n")}}, B("QUIT\r\n")},
    /* ---- IRC ---- */
    {"InspIRCd", MODEL_IRC, DIALOGUE_DONE, "",
     {{B("STARTTLS\r\n"), B(":irc.test NOTICE * :*** Looking up your hostname...\r\n"
                            ":irc.test 670 * :STARTTLS successful, go ahead with TLS handshake\r\n")}}, B("")},
    {"IRC asks first", MODEL_IRC, DIALOGUE_DONE, "",
     {{B("STARTTLS\r\n"), B("NOTICE AUTH :*** Checking Ident\r\nPING :12345\r\n")},
      {B("PONG :12345\r\n"), B(":irc.test 670 x :go\r\n")}}, B("")},
    {"IRC refuses", MODEL_IRC, DIALOGUE_NOT_OFFERED, "STARTTLS: :irc.test 451 * STARTTLS :You have not registered.",
     {{B("STARTTLS\r\n"), B(":irc.test 451 * STARTTLS :You have not registered.\r\n")}}, B("QUIT\r\n")},
    {"IRC closes", MODEL_IRC, DIALOGUE_NOT_OFFERED, "STARTTLS: ERROR :Closing link",
     {{B("STARTTLS\r\n"), B("ERROR :Closing link\r\n")}}, B("QUIT\r\n")},
    {"IRC, another protocol", MODEL_IRC, DIALOGUE_BAD, "not an answer of IRC: SSH-2.0-OpenSSH",
     {{B("STARTTLS\r\n"), B("SSH-2.0-OpenSSH\r\n")}}, B("")},
    /* ---- HTTP ---- */
    {"RFC 2817", MODEL_HTTP_UPGRADE, DIALOGUE_DONE, "",
     {{OPTIONS, B("HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.0, HTTP/1.1\r\nConnection: Upgrade\r\n\r\n")}}, B("")},
    {"HTTP without upgrade", MODEL_HTTP_UPGRADE, DIALOGUE_NOT_OFFERED, "Upgrade: TLS/1.0: HTTP/1.1 200 OK",
     {{OPTIONS, B("HTTP/1.1 200 OK\r\n")}}, B("")},
    {"not HTTP", MODEL_HTTP_UPGRADE, DIALOGUE_BAD, "not an answer of HTTP: nonsense",
     {{OPTIONS, B("nonsense\r\n")}}, B("")},
    /* ---- XMPP ---- */
    {"Prosody, clients", MODEL_XMPP, DIALOGUE_DONE, "",
     {{CLIENT_STREAM, B("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
                        "from='host.test' id='f1' version='1.0' xml:lang='en'><stream:features>"
                        "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>")},
      {XMPP_STARTTLS, B("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")}}, B("")},
    {"RFC 6120, servers; > in quotes, an end tag of its own", MODEL_XMPP_SERVER, DIALOGUE_DONE, "",
     {{SERVER_STREAM, B("<stream:stream from=\"im.example.com\" id='a>b' xmlns='jabber:server'>\n <stream:features>\n "
                        "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\n<dialback/></stream:features>")},
      {XMPP_STARTTLS, B("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'></proceed>")}}, B("")},
    {"XMPP without starttls", MODEL_XMPP, DIALOGUE_NOT_OFFERED, "starttls is not among its features",
     {{CLIENT_STREAM, B("<stream:stream><stream:features><mechanisms><mechanism>PLAIN</mechanism></mechanisms></stream:features>")}},
     B("</stream:stream>")},
    {"XMPP, no features", MODEL_XMPP, DIALOGUE_NOT_OFFERED, "starttls is not among its features",
     {{CLIENT_STREAM, B("<stream:stream><stream:features/>")}}, B("</stream:stream>")},
    {"XMPP, another host", MODEL_XMPP, DIALOGUE_NOT_OFFERED, "stream error: host-unknown",
     {{CLIENT_STREAM, B("<?xml version='1.0'?><stream:stream id=''><stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>")}},
     B("</stream:stream>")},
    {"XMPP refuses", MODEL_XMPP, DIALOGUE_NOT_OFFERED, "starttls failed",
     {{CLIENT_STREAM, B("<stream:stream><stream:features><starttls/></stream:features>")},
      {XMPP_STARTTLS, B("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")}}, B("</stream:stream>")},
    {"not XMPP", MODEL_XMPP, DIALOGUE_BAD, "not an XMPP stream: <html>", {{CLIENT_STREAM, B("<html>")}}, B("")},
    /* ---- LDAP ---- */
    {"OpenLDAP", MODEL_LDAP, DIALOGUE_DONE, "", {{LDAP_REQUEST, B("0\x0c\2\1\1x\7\x0a\1\0\4\0\4\0")}}, B("")},
    {"Active Directory: lengths of four bytes", MODEL_LDAP, DIALOGUE_DONE, "",
     {{LDAP_REQUEST, B("0\x84\0\0\0\x28\2\1\1x\x84\0\0\0\x1f\x0a\1\0\4\0\4\0\x8a\x16\x31.3.6.1.4.1.1466.20037")}}, B("")},
    {"LDAP has no TLS", MODEL_LDAP, DIALOGUE_NOT_OFFERED, "StartTLS: result 2 protocolError: unsupported extended operation",
     {{LDAP_REQUEST, B("0\x2a\2\1\1x\x25\x0a\1\2\4\0\4\x1eunsupported extended operation")}}, LDAP_UNBIND},
    {"LDAP, Notice of Disconnection", MODEL_LDAP, DIALOGUE_NOT_OFFERED, "StartTLS: result 52 unavailable",
     {{LDAP_REQUEST, B("0\x24\2\1\0x\x1f\x0a\1\x34\4\0\4\0\x8a\x16\x31.3.6.1.4.1.1466.20036")}}, LDAP_UNBIND},
    {"LDAP, another message id", MODEL_LDAP, DIALOGUE_BAD, "not an answer to LDAP's StartTLS",
     {{LDAP_REQUEST, B("0\x0c\2\1\2x\7\x0a\1\0\4\0\4\0")}}, B("")},
    {"LDAP, an indefinite length", MODEL_LDAP, DIALOGUE_BAD, "no such protocol there: 0\\x80\\x02\\x01\\x01x",
     {{LDAP_REQUEST, B("0\x80\2\1\1x")}}, B("")},
    {"LDAP, 16 MB announced", MODEL_LDAP, DIALOGUE_BAD, "no such protocol there: 0\\x84\\x01\\x00\\x00\\x00",
     {{LDAP_REQUEST, B("0\x84\1\0\0\0")}}, B("")},
    /* ---- databases ---- */
    {"PostgreSQL", MODEL_POSTGRES, DIALOGUE_DONE, "", {{SSL_REQUEST, B("S")}}, B("")},
    {"PostgreSQL without SSL", MODEL_POSTGRES, DIALOGUE_NOT_OFFERED, "SSLRequest: no", {{SSL_REQUEST, B("N")}}, B("")},
    {"PostgreSQL, an error", MODEL_POSTGRES, DIALOGUE_NOT_OFFERED, "SSLRequest: sorry, too many clients already",
     {{SSL_REQUEST, B("E\0\0\0\x3cSFATAL\0C53300\0Msorry, too many clients already\0Fproc.c\0\0")}}, B("")},
    {"not PostgreSQL", MODEL_POSTGRES, DIALOGUE_BAD, "no such protocol there: HT", {{SSL_REQUEST, B("HT")}}, B("")},
    {"MariaDB", MODEL_MYSQL, DIALOGUE_DONE, "", {{B(""), MARIADB_GREETING("\xff")}}, MYSQL_REQUEST},
    {"MariaDB without SSL", MODEL_MYSQL, DIALOGUE_NOT_OFFERED, "SSL is not among what it can do",
     {{B(""), MARIADB_GREETING("\xf7")}}, B("")},
    {"MariaDB has blocked us", MODEL_MYSQL, DIALOGUE_NOT_OFFERED, "greeting: Host '192.0.2.1' is not allowed to connect to this MariaDB server",
     {{B(""), B("\x44\0\0\0\xff\x6a\4Host '192.0.2.1' is not allowed to connect to this MariaDB server")}}, B("")},
    {"MySQL of 2002", MODEL_MYSQL, DIALOGUE_BAD, "not a greeting of MySQL", {{B(""), B("\5\0\0\0\x09" "3.2\0")}}, B("")},
    {"MySQL, a wrong number", MODEL_MYSQL, DIALOGUE_BAD, "no such protocol there: 220", {{B(""), B("220 ")}}, B("")},
    {"MS SQL, MS-TDS 4.2", MODEL_MSSQL, DIALOGUE_DONE, "",
     {{TDS_REQUEST, B("\4\1\0\x2b\0\0\1\0\0\0\x1a\0\6\1\0\x20\0\1\2\0\x21\0\1\3\0\x22\0\0\4\0\x22\0\1\xff\11\0\0\0\0\0\1\0\0")}}, B("")},
    {"MS SQL without encryption", MODEL_MSSQL, DIALOGUE_NOT_OFFERED, "ENCRYPT_NOT_SUP",
     {{TDS_REQUEST, B("\4\1\0\x1a\0\0\1\0\0\0\x0b\0\6\1\0\x11\0\1\xff\x0c\0\0\0\0\0\2")}}, B("")},
    {"MS SQL, no word on encryption", MODEL_MSSQL, DIALOGUE_BAD, "not an answer to PRELOGIN",
     {{TDS_REQUEST, B("\4\1\0\x14\0\0\1\0\0\0\6\0\6\xff\x0c\0\0\0\0\0")}}, B("")},
    {"MS SQL, an offset past the end", MODEL_MSSQL, DIALOGUE_BAD, "not an answer to PRELOGIN",
     {{TDS_REQUEST, B("\4\1\0\x0f\0\0\1\0\1\xff\xff\0\1\xff\1")}}, B("")},
    /* ---- RDP ---- */
    {"RDP, TLS", MODEL_RDP, DIALOGUE_DONE, "", {{RDP_REQUEST, B("\3\0\0\23\16\xd0\0\0\x12\x34\0\2\0\10\0\1\0\0\0")}}, B("")},
    {"RDP, CredSSP", MODEL_RDP, DIALOGUE_DONE, "", {{RDP_REQUEST, B("\3\0\0\23\16\xd0\0\0\x12\x34\0\2\x1f\10\0\2\0\0\0")}}, B("")},
    {"RDP, MS-RDPBCGR 4.1.2", MODEL_RDP, DIALOGUE_NOT_OFFERED, "only RDP's own encryption",
     {{RDP_REQUEST, B("\3\0\0\23\16\xd0\0\0\x12\x34\0\2\0\10\0\0\0\0\0")}}, B("")},
    {"RDP of 2003", MODEL_RDP, DIALOGUE_NOT_OFFERED, "only RDP's own encryption",
     {{RDP_REQUEST, B("\3\0\0\13\6\xd0\0\0\x12\x34\0")}}, B("")},
    {"RDP refuses", MODEL_RDP, DIALOGUE_NOT_OFFERED, "refused: SSL_CERT_NOT_ON_SERVER",
     {{RDP_REQUEST, B("\3\0\0\23\16\xd0\0\0\x12\x34\0\3\0\10\0\3\0\0\0")}}, B("")},
    {"RDP, a disconnect", MODEL_RDP, DIALOGUE_BAD, "not an answer of RDP", {{RDP_REQUEST, B("\3\0\0\13\6\x80\0\0\x12\x34\0")}}, B("")},
    {"not RDP", MODEL_RDP, DIALOGUE_BAD, "no such protocol there: SS", {{RDP_REQUEST, B("SS")}}, B("")},
    /* ---- Telnet ---- */
    {"Telnet, the draft's example", MODEL_TELNET, DIALOGUE_DONE, "",
     {{B("\xff\xfb\x2e"), B("\xff\xfd\x2e")}, {B("\xff\xfa\x2e\1\xff\xf0"), B("\xff\xfa\x2e\1\xff\xf0")}}, B("")},
    {"Telnet, other options and text on the way", MODEL_TELNET, DIALOGUE_DONE, "",
     {{B("\xff\xfb\x2e"), B("Debian\r\n\xff\xfd\x18\xff\xfb\1\xff\xf1\xff\xfd\x2e")},
      {B("\xff\xfc\x18\xff\xfe\1\xff\xfa\x2e\1\xff\xf0"), B("\xff\xfa\x18\1\xff\xf0\xff\xfa\x2e\1\xff\xf0")}}, B("")},
    {"Telnet refuses", MODEL_TELNET, DIALOGUE_NOT_OFFERED, "START_TLS: DONT", {{B("\xff\xfb\x2e"), B("\xff\xfe\x2e")}}, B("")},
};
/* clang-format on */

static struct dialogue *open_one(enum model_protocol protocol) {
    struct dialogue_ask ask = {protocol, bytes_text("host.test"), bytes_text("[192.0.2.1]")};
    struct dialogue *d = dialogue_open(&ask);
    assert_non_null(d);
    return d;
}

static void assert_same(const char *name, struct bytes got, struct bytes wanted) {
    if (!bytes_equal(got, wanted))
        fail_msg("%s: said \"%.*s\"", name, (int)got.n, (const char *)got.p);
}

/* What was sent so far is what the turn expects; then it is gone. */
static void check_heard(const struct transcript *t, struct dialogue *d, struct bytes wanted) {
    assert_same(t->name, dialogue_output(d), wanted);
    dialogue_sent(d);
}

static void check_end(const struct transcript *t, struct dialogue *d, enum dialogue_want want) {
    if (want != t->want)
        fail_msg("%s: ended with %d, \"%s\"", t->name, (int)want, dialogue_detail(d));
    assert_string_equal(dialogue_detail(d), t->detail);
    check_heard(t, d, t->last);
    assert_int_equal(dialogue_feed(d, bytes_text("220 more\r\n")), t->want);
    assert_int_equal(dialogue_output(d).n, 0);
}

static size_t turns_of(const struct transcript *t) {
    size_t n = 0;
    while (n < TURNS && t->turns[n].says.n > 0)
        n++;
    return n;
}

/* Each turn of the server in parts of `step` bytes, its first one of `first`. Stops before
 * the byte number `end` of all that the server says. */
static void play(const struct transcript *t, size_t first, size_t step, size_t end) {
    struct dialogue *d = open_one(t->protocol);
    enum dialogue_want want = DIALOGUE_MORE;
    size_t n = turns_of(t), said = 0;
    for (size_t i = 0; i < n && said < end; i++) {
        struct bytes says = bytes_part(t->turns[i].says, 0, end - said);
        check_heard(t, d, t->turns[i].hears);
        for (size_t at = 0, part = first; at < says.n; at += part, part = at ? step : first) {
            if (want != DIALOGUE_MORE)
                fail_msg("%s: ended in turn %zu, before byte %zu", t->name, i, at);
            want = dialogue_feed(d, bytes_part(says, at, part));
        }
        said += says.n;
    }
    if (end == SIZE_MAX)
        check_end(t, d, want);
    else if (want != DIALOGUE_MORE)
        fail_msg("%s: ended after %zu bytes, \"%s\"", t->name, end, dialogue_detail(d));
    dialogue_close(d);
}

static void transcripts_of_every_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(transcripts); i++) {
        const struct transcript *t = &transcripts[i];
        size_t all = 0, longest = 0;
        for (size_t k = 0; k < turns_of(t); k++) {
            all += t->turns[k].says.n;
            longest = t->turns[k].says.n > longest ? t->turns[k].says.n : longest;
        }
        play(t, SIZE_MAX / 2, SIZE_MAX / 2, SIZE_MAX);
        play(t, 1, 1, SIZE_MAX);
        for (size_t cut = 1; cut < longest; cut++)
            play(t, cut, SIZE_MAX / 2, SIZE_MAX);
        for (size_t end = 0; end < all; end++)
            play(t, SIZE_MAX / 2, SIZE_MAX / 2, end);
    }
}

/* Bytes that somebody put behind the last reply never reach TLS. */
static void plaintext_behind_the_reply_is_dropped(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(transcripts); i++) {
        const struct transcript *t = &transcripts[i];
        if (t->want != DIALOGUE_DONE)
            continue;
        struct dialogue *d = open_one(t->protocol);
        struct buf says;
        size_t n = turns_of(t);
        for (size_t k = 0; k + 1 < n; k++)
            assert_int_equal(dialogue_feed(d, t->turns[k].says), DIALOGUE_MORE);
        buf_init(&says, 4096);
        buf_put(&says, t->turns[n - 1].says);
        buf_text(&says, "\x16\3\3 250 injected\r\n");
        assert_int_equal(dialogue_feed(d, buf_bytes(&says)), DIALOGUE_DONE);
        assert_string_equal(dialogue_detail(d),
                            "bytes in clear behind the last reply were dropped");
        buf_clear(&says);
        dialogue_close(d);
    }
}

/* For ever the same, from a server that never comes to a point. */
static void no_end(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum model_protocol protocol;
        struct bytes begins, goes_on;
        const char *detail;
    } cases[] = {
        {"a line",           MODEL_SMTP,         B("220 "),                B("x"),                    "a line or message without end"           },
        {"lines",            MODEL_SMTP,         B(""),                    B("220-x\r\n"),            "more lines or messages than we listen to"},
        {"long lines",       MODEL_IMAP,         B("* OK\r\n* "),          B("1234567\n* "),          "more lines or messages"                  },
        {"news",             MODEL_IMAP,         B("* OK\r\n"),            B("* 1 EXISTS\r\n"),       "more lines or messages"                  },
        {"capabilities",     MODEL_SIEVE,        B(""),                    B("\"X\"\r\n"),            "more lines or messages"                  },
        {"lines of a reply", MODEL_FTP,          B("220-\r\n"),            B("x\r\n"),                "more lines or messages"                  },
        {"pings",            MODEL_IRC,          B(""),                    B("PING :0123456789\r\n"), "more lines or messages"                  },
        {"headers",          MODEL_HTTP_UPGRADE, B("HTTP/1.1 101 x\r\n"),  B("A: b\r\n"),             "more lines"                              },
        {"a tag",            MODEL_XMPP,         B("<stream:stream a='>"), B(">"),                    "a line or message without end"           },
        {"features",         MODEL_XMPP,         B("<stream:stream>"),     B("<x/>"),                 "more lines or messages"                  },
        {"text",             MODEL_XMPP,         B("<stream:stream>"),     B("x "),                   "a dialogue without end"                  },
        {"options",          MODEL_TELNET,       B(""),                    B("\xff\xfd\1"),           "more lines or messages"                  },
        {"a login",          MODEL_TELNET,       B(""),                    B("login: "),              "a dialogue without end"                  },
        {"a suboption",      MODEL_TELNET,       B("\xff\xfa\x18"),        B("\1"),                   "a line or message without end"           },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct dialogue *d = open_one(cases[i].protocol);
        enum dialogue_want want = dialogue_feed(d, cases[i].begins);
        for (size_t k = 0; k < 100000 && want == DIALOGUE_MORE; k++)
            want = dialogue_feed(d, cases[i].goes_on);
        if (want != DIALOGUE_LIMIT)
            fail_msg("%s: %d %s", cases[i].name, (int)want, dialogue_detail(d));
        if (strncmp(dialogue_detail(d), cases[i].detail, strlen(cases[i].detail)) != 0)
            fail_msg("%s: %s", cases[i].name, dialogue_detail(d));
        assert_true(dialogue_output(d).n < 64 * 1024);
        dialogue_close(d);
    }
}

static void what_a_server_shows(void **state) {
    (void)state;
    static const struct {
        struct bytes heard;
        enum model_protocol protocol;
        size_t certain; /* from so many bytes on */
    } cases[] = {
        {B("220 mx.example.test ESMTP Postfix\r\n"), MODEL_SMTP,          35},
        {B("220 mx.example.test\r\n"),               MODEL_SMTP,          21},
        {B("220-smtp.example.test\n"),               MODEL_SMTP,          22},
        {B("220 host LMTP\n"),                       MODEL_LMTP,          14},
        {B("220 (vsFTPd 3.0.3)\r\n"),                MODEL_FTP,           20},
        {B("220-FileZilla Server 1.5\r\n"),          MODEL_FTP,           26},
        {B("220 Microsoft FTP Service\r\n"),         MODEL_FTP,           27},
        {B("* OK Dovecot"),                          MODEL_IMAP,          4 },
        {B("* BYE"),                                 MODEL_IMAP,          5 },
        {B("+OK"),                                   MODEL_POP3,          3 },
        {B("200 news"),                              MODEL_NNTP,          4 },
        {B("\"IMPLEMENTATION\" \"x\""),              MODEL_SIEVE,         16},
        {B(":irc.test NOTICE * :hi\r\n"),            MODEL_IRC,           24},
        {B(":something else\r\n"),                   MODEL_PROTOCOL_NONE, 17},
        {B("NOTICE AUTH :"),                         MODEL_IRC,           7 },
        {MARIADB_GREETING("\xff"),                   MODEL_MYSQL,         5 },
        {B("\x48\0\0\0\xff\x6a\4Host"),              MODEL_MYSQL,         5 },
        {B("\x48\0\0\1\xff\x6a\4Host"),              MODEL_PROTOCOL_NONE, 4 },
        {B("\xff\xfd\x18"),                          MODEL_TELNET,        2 },
        {B("\xff\xd8\xff"),                          MODEL_PROTOCOL_NONE, 2 },
        {B("\x15\3\1\0\2\2\50"),                     MODEL_TLS,           2 },
        {B("\x16\3\3"),                              MODEL_TLS,           2 },
        {B("\x16\2"),                                MODEL_PROTOCOL_NONE, 2 },
        {B("HTTP/1.1 400 Bad Request\r\n"),          MODEL_PROTOCOL_NONE, 2 },
        {B("SSH-2.0-OpenSSH"),                       MODEL_PROTOCOL_NONE, 2 },
        {B("221 no\r\n"),                            MODEL_PROTOCOL_NONE, 3 },
        {B("-ERR unknown command"),                  MODEL_PROTOCOL_NONE, 2 },
    };
    bool is_certain;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t n = 0; n <= cases[i].heard.n; n++) {
            enum model_protocol p = dialogue_shown(bytes_part(cases[i].heard, 0, n), &is_certain);
            bool wanted = n >= cases[i].certain;
            if (is_certain != wanted || (wanted ? p != cases[i].protocol : p != 0))
                fail_msg("%.*s after %zu: %s", (int)cases[i].heard.n,
                         (const char *)cases[i].heard.p, n, model_protocol_name(p));
        }
    }
    char endless[129];
    memset(endless, 'x', sizeof endless);
    memcpy(endless, "220 ", 4);
    assert_int_equal(dialogue_shown(bytes_of(endless, 127), &is_certain), MODEL_PROTOCOL_NONE);
    assert_false(is_certain);
    assert_int_equal(dialogue_shown(bytes_of(endless, 128), &is_certain), MODEL_SMTP);
    assert_true(is_certain);
}

/* A listener ends as soon as it is certain, and not before somebody else could judge. */
static void listening(void **state) {
    (void)state;
    static const struct {
        struct bytes says;
        size_t until;
    } cases[] = {
        {B("220 mx ESMTP\r\n..."), 14},
        {B("* OK hello"),          5 },
        {B("HTTP/1.1 400"),        5 },
        {B("+OK hello"),           5 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct dialogue *d = open_one(MODEL_PROTOCOL_NONE);
        for (size_t n = 1; n <= cases[i].says.n; n++) {
            enum dialogue_want want = dialogue_feed(d, bytes_part(cases[i].says, n - 1, 1));
            assert_int_equal(want, n < cases[i].until ? DIALOGUE_MORE : DIALOGUE_BAD);
        }
        assert_same("heard", dialogue_heard(d), bytes_part(cases[i].says, 0, cases[i].until));
        dialogue_close(d);
    }
}

/* ---- TDS around TLS ---- */

static struct dialogue *open_wrapping(void) {
    for (size_t i = 0; i < COUNT_OF(transcripts); i++) {
        const struct transcript *t = &transcripts[i];
        if (t->protocol == MODEL_MSSQL && t->want == DIALOGUE_DONE) {
            struct dialogue *d = open_one(MODEL_MSSQL);
            assert_int_equal(dialogue_feed(d, t->turns[0].says), DIALOGUE_DONE);
            return d;
        }
    }
    return NULL;
}

static bool unwrap_all(struct dialogue *d, struct bytes wrapped, size_t first, struct buf *out) {
    struct bytes parts[2] = {bytes_part(wrapped, 0, first), bytes_part(wrapped, first, SIZE_MAX)};
    for (size_t i = 0; i < 2; i++) {
        while (parts[i].n > 0) {
            struct bytes plain;
            if (!dialogue_unwrap(d, &parts[i], &plain))
                return false;
            buf_put(out, plain);
        }
    }
    return true;
}

static void tds_wraps_and_unwraps(void **state) {
    (void)state;
    struct buf plain, wrapped, again;
    buf_init(&plain, 1 << 16);
    buf_init(&wrapped, 1 << 16);
    buf_init(&again, 1 << 16);
    struct dialogue *d = open_wrapping();
    dialogue_wrap(d, bytes_text("hello"), &wrapped);
    assert_same("a packet", buf_bytes(&wrapped), (struct bytes)B("\x12\1\0\x0d\0\0\1\0hello"));
    dialogue_wrap(d, (struct bytes){0}, &wrapped);
    assert_int_equal(wrapped.n, 13);
    for (unsigned i = 0; i < 9000; i++)
        buf_u8(&plain, (uint8_t)(i * 7));
    buf_reset(&wrapped);
    dialogue_wrap(d, buf_bytes(&plain), &wrapped);
    assert_int_equal(wrapped.n, 9000 + 3 * 8);
    assert_int_equal(wrapped.p[1], 0);
    assert_int_equal(wrapped.p[2] << 8 | wrapped.p[3], 4096);
    assert_int_equal(wrapped.p[2 * 4096 + 1], 1);
    for (size_t cut = 0; cut < wrapped.n; cut += cut < 20 ? 1 : 97) {
        buf_reset(&again);
        assert_true(unwrap_all(d, buf_bytes(&wrapped), cut, &again));
        assert_true(bytes_equal(buf_bytes(&again), buf_bytes(&plain)));
    }
    buf_reset(&again);
    assert_true(unwrap_all(d, (struct bytes)B("\4\1\0\x08\0\0\1\0\4\1\0\x09\0\0\1\0x"), 0, &again));
    assert_text(buf_bytes(&again), "x");
    assert_false(unwrap_all(d, (struct bytes)B("\x16\3\3\0\1\0\0\0x"), 0, &again));
    assert_false(unwrap_all(d, (struct bytes)B("\4\1\0\7\0\0\1\0x"), 0, &again));
    dialogue_close(d);

    d = open_one(MODEL_SMTP);
    buf_reset(&again);
    dialogue_wrap(d, bytes_text("hello"), &again);
    assert_text(buf_bytes(&again), "hello");
    assert_true(unwrap_all(d, bytes_text(" there"), 2, &again));
    assert_text(buf_bytes(&again), "hello there");
    dialogue_close(d);
    buf_clear(&plain);
    buf_clear(&wrapped);
    buf_clear(&again);
}

static void every_protocol_has_a_row(void **state) {
    (void)state;
    for (unsigned p = 0; p < MODEL_PROTOCOL_COUNT; p++) {
        if (!model_protocol_row((enum model_protocol)p)->has_dialogue)
            continue;
        struct dialogue *d = open_one((enum model_protocol)p);
        assert_int_equal(dialogue_feed(d, (struct bytes){0}), DIALOGUE_MORE);
        bool has_transcript = false;
        for (size_t i = 0; i < COUNT_OF(transcripts); i++)
            has_transcript |= transcripts[i].protocol == p && transcripts[i].want == DIALOGUE_DONE;
        assert_true(has_transcript);
        dialogue_close(d);
    }
    assert_string_equal(dialogue_direct_alpn(MODEL_MSSQL), "tds/8.0");
    assert_null(dialogue_direct_alpn(MODEL_TLS));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transcripts_of_every_cut),
        cmocka_unit_test(plaintext_behind_the_reply_is_dropped),
        cmocka_unit_test(no_end),
        cmocka_unit_test(what_a_server_shows),
        cmocka_unit_test(listening),
        cmocka_unit_test(tds_wraps_and_unwraps),
        cmocka_unit_test(every_protocol_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
