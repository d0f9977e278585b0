"""The names by which programs are known in a User-Agent, from the surest to the vaguest. Pure.

Our own list of mail programs and mail proxies comes first and words that machines use come last, because public lists
of robots call Gmail's proxy, Outlook and Airmail robots too.
"""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """What sort of program it is."""

    NOTHING = "no name at all"
    APPLE_AHEAD = "Apple Mail, loading images ahead"
    GMAIL_AHEAD = "Gmail, loading images ahead"
    DISPLAY_PROXY = "an image proxy that loads when a mail is shown"
    MINOR_PROXY = "a lesser known image proxy"
    PREVIEW = "draws link cards"
    SECURITY = "checks mail or links"
    ROBOT = "a robot or a script"
    LIBRARY = "an HTTP library, of an app or of a script"
    MAIL_CLIENT = "a mail program"
    BROWSER = "a browser"
    OTHER = "a program on no list"


# Substrings of the lower-cased User-Agent, in this order.
NAMES: tuple[tuple[Kind, str, tuple[str, ...]], ...] = (
    (Kind.GMAIL_AHEAD, "Gmail, loading images ahead", ("edge/12.246 mozilla/5.0",)),
    (Kind.DISPLAY_PROXY, "Gmail's image proxy", ("googleimageproxy", "via ggpht.com")),
    (Kind.DISPLAY_PROXY, "Yahoo Mail's image proxy", ("yahoomailproxy", "ymailatgateway")),
    (Kind.MINOR_PROXY, "Fastmail's image proxy", ("fastmailua",)),
    (Kind.MINOR_PROXY, "Seznam's image proxy", ("seznamemailproxy",)),
    (Kind.MINOR_PROXY, "Rambler's image proxy", ("ramblermail",)),
    (Kind.MINOR_PROXY, "ukr.net's image proxy", ("ukr.net", "ukrnet")),
    (Kind.MINOR_PROXY, "Shortwave's image proxy", ("shortwave image",)),
    (Kind.MINOR_PROXY, "HEY's image proxy", ("hey.com/imageproxy", "hey imageproxy")),
    (Kind.PREVIEW, "Slack", ("slackbot", "slack-imgproxy")),
    (Kind.PREVIEW, "Skype or Teams", ("skypeuripreview", "microsoftpreview")),
    (Kind.PREVIEW, "Apple Messages", ("facebookexternalhit/1.1 facebot twitterbot",)),
    (Kind.PREVIEW, "Facebook", ("facebookexternalhit", "facebot", "meta-externalfetcher")),
    (Kind.PREVIEW, "WhatsApp", ("whatsapp/",)),
    (Kind.PREVIEW, "Telegram", ("telegrambot",)),
    (Kind.PREVIEW, "X", ("twitterbot",)),
    (Kind.PREVIEW, "Discord", ("discordbot",)),
    (Kind.PREVIEW, "LinkedIn", ("linkedinbot",)),
    (Kind.PREVIEW, "Yahoo's link cards", ("yahoo link preview",)),
    (Kind.PREVIEW, "a chat's link cards", (
        "kakaotalk-scrap", "line-poker", "viber url", "mattermost-bot", "mastodon/", "redditbot", "pinterestbot",
        "snap url preview", "vkshare", "bluesky cardyb", "synapse (bot", "iframely", "embedly", "google-pagerenderer",
        "linkpreview", "link preview", "url preview", "urlpreview", "unfurl",
    )),
    (Kind.PREVIEW, "Office, looking ahead at a link", (
        "microsoft office existence discovery", "microsoft office protocol discovery",
    )),
    (Kind.MINOR_PROXY, "a mail service's image proxy", (
        "imageproxy", "image proxy", "mailproxy", "image fetcher", "imgproxy",
    )),
    (Kind.SECURITY, "Barracuda", ("barracuda",)),
    (Kind.SECURITY, "Proofpoint", ("proofpoint", "urldefense")),
    (Kind.SECURITY, "Mimecast", ("mimecast",)),
    (Kind.SECURITY, "Zscaler", ("zscalerurl", "zscaler-")),
    (Kind.SECURITY, "Hornetsecurity", ("hornetsecurity",)),
    (Kind.SECURITY, "Bing's preview", ("bingpreview",)),
    (Kind.SECURITY, "Google's link check", ("gmail-content-sampling", "google-safety", "google-safebrowsing")),
    (Kind.SECURITY, "Netcraft", ("netcraft",)),
    (Kind.SECURITY, "Trend Micro", ("trendmicro", "trend micro", "tmufe")),
    (Kind.SECURITY, "a mail or link scanner", (
        "ironport", "fireeye", "trellix", "sophos", "fortigate", "fortiguard", "fortimail", "messagelabs", "symantec",
        "forcepoint", "websense", "cloudmark", "vadesecure", "spamtitan", "mailguard", "avanan", "checkpoint", "eset ",
        "kaspersky", "bitdefender", "virustotal", "phishtank", "urlscan", "url-scan", "urlvoid", "sucuri",
        "safebrowsing", "joesandbox", "hybrid-analysis", "crowdstrike", "palo alto", "paloalto", "expanse", "cofense",
        "ironscales", "mcafee", "webroot", "threat", "malware", "phish", "antivirus", "linkcheck", "link-check",
        "linkscan", "mailscanner", "emailscanner", "sandbox", "urlfilter", "url filter", "webfilter", "web filter",
        "antispam", "anti-spam", "safelinks", "safe links", "email security", "mail security", "link protect",
        "linkprotect", "click protect", "detonat", "firewall", "cyren", "libraesva", "nospamproxy", "retarus",
        "spamexperts", "mailchannels", "area1", "area 1", "agari", "inspectiontool",
    )),
    (Kind.GMAIL_AHEAD, "Gmail, loading images ahead", ("edge/12.246",)),
    (Kind.MAIL_CLIENT, "Outlook on iPhone or iPad", ("outlook-ios",)),
    (Kind.MAIL_CLIENT, "Outlook on Android", ("outlook-android", "com.microsoft.office.outlook")),
    (Kind.MAIL_CLIENT, "Outlook for Mac", ("macoutlook",)),
    (Kind.MAIL_CLIENT, "the new Outlook for Windows", ("oneoutlook",)),
    (Kind.MAIL_CLIENT, "Outlook for Windows", ("microsoft outlook", "ms-office", "msoffice", "microsoft office/")),
    (Kind.MAIL_CLIENT, "Thunderbird", ("thunderbird", "icedove", "betterbird")),
    (Kind.MAIL_CLIENT, "K-9 Mail", ("k-9 mail", "k9mail", "com.fsck.k9")),
    (Kind.MAIL_CLIENT, "Samsung Email", ("com.samsung.android.email", "samsung email")),
    (Kind.MAIL_CLIENT, "the Gmail app", ("com.google.android.gm",)),
    (Kind.MAIL_CLIENT, "eM Client", ("em client", "emclient")),
    (Kind.MAIL_CLIENT, "Mailspring", ("mailspring",)),
    (Kind.MAIL_CLIENT, "BlueMail", ("bluemail",)),
    (Kind.MAIL_CLIENT, "Airmail", ("airmail",)),
    (Kind.MAIL_CLIENT, "Notes", ("lotus-notes", "hcl-notes", "hcl notes")),
    (Kind.MAIL_CLIENT, "The Bat!", ("the bat!", "thebat")),
    (Kind.MAIL_CLIENT, "Evolution", ("evolution/",)),
    (Kind.MAIL_CLIENT, "KMail", ("kmail", "kontact")),
    (Kind.MAIL_CLIENT, "SeaMonkey", ("seamonkey",)),
    (Kind.MAIL_CLIENT, "Proton Mail", ("protonmail", "proton mail", "ch.protonmail")),
    (Kind.MAIL_CLIENT, "Superhuman", ("superhuman",)),
    (Kind.MAIL_CLIENT, "a text browser", ("lynx/", "w3m/", "elinks", "links (")),
    (Kind.MAIL_CLIENT, "a mail program", (
        "mailbird", "postbox", "newton mail", "sparkmail", "canary mail", "mimestream", "geary", "claws mail",
        "sylpheed", "incredimail", "foxmail", "mailmate", "edison mail", "tutanota", "tuta mail", "fairemail",
        "eu.faircode.email", "aquamail", "nine mail", "polymail", "spike", "mailplane", "windows live mail",
        "windowslivemail", "outlook-express",
        "windows mail", "windowscommunicationsapps", "eudora", "pegasus mail", "becky!", "groupwise",
        "zimbra desktop", "net.thunderbird", "opera mail", "com.readdle", "readdle",
    )),
    (Kind.LIBRARY, "an HTTP library", (
        "cfnetwork", "okhttp", "dalvik", "java/", "apache-httpclient", "dart:io", "dart/", "volley/", "alamofire",
        "ktor-client", "reactornetty", "unirest",
    )),
    (Kind.ROBOT, "a browser driven by a program", (
        "headless", "phantomjs", "puppeteer", "playwright", "selenium", "webdriver",
    )),
    (Kind.ROBOT, "a script", (
        "python", "aiohttp", "httpx/", "curl", "wget", "libwww", "lwp::", "go-http-client", "node-fetch", "undici",
        "axios", "got (", "guzzle", "php/", "ruby", "faraday", "perl", "powershell", "winhttp", "scrapy", "postman",
        "insomnia", "restsharp", "httpie", "java-http", "rest-client", "libcurl", "zgrab", "masscan", "nmap",
    )),
    (Kind.ROBOT, "a monitoring service", (
        "uptimerobot", "pingdom", "statuscake", "site24x7", "uptime", "monitor", "nagios",
    )),
)  # fmt: skip
