"""Every diagnostic's stable code and what it means; docs/reference/diagnostics.md is generated from here."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Codes never change their meaning and are never used again for another."""

    # 1xx: reading files
    YAML_SYNTAX = "OFR101"
    DUPLICATE_KEY = "OFR102"
    CUSTOM_TAG = "OFR103"
    ALIAS_BUDGET = "OFR104"
    FILE_TOO_LARGE = "OFR105"
    TOO_DEEP = "OFR106"
    NOT_UTF8 = "OFR107"
    LINK_OUTSIDE = "OFR108"
    EMPTY_FILE = "OFR109"
    VERSION = "OFR110"
    NO_PROJECT = "OFR111"
    UNREADABLE = "OFR112"
    MISPLACED = "OFR113"
    NO_WORKING_DIRECTORY = "OFR114"
    # 2xx: one resource on its own
    UNKNOWN_KEY = "OFR201"
    WRONG_TYPE = "OFR202"
    MISSING = "OFR203"
    BAD_VALUE = "OFR204"
    BAD_NAME = "OFR205"
    PERIOD_ORDER = "OFR206"
    TEMPLATE_SYNTAX = "OFR207"
    INSIDE_SPECS = "OFR216"
    EXPRESSION = "OFR220"
    POLICIES_TOO_MANY = "OFR221"
    POLICY_ASKS_NOTHING = "OFR222"
    PARAMETER = "OFR230"
    # 3xx: resources together
    UNKNOWN_REFERENCE = "OFR301"
    CYCLE = "OFR302"
    DECLARED_TWICE = "OFR303"
    MISSING_PARENT = "OFR304"
    FOREIGN_REFERENCE = "OFR305"
    BAD_MOVE = "OFR306"
    # 4xx: rules of the domain
    FIELD_NOT_ON_SPACE = "OFR401"
    REQUIRED_FIELD = "OFR402"
    NO_IDENTIFICATION = "OFR403"
    UNKNOWN_VARIABLE = "OFR404"
    NOT_LIVE = "OFR405"
    ANONYMOUS = "OFR406"
    UNKNOWN_FIELD = "OFR407"
    PROTECTED = "OFR408"
    UNKNOWN_THEME = "OFR409"
    LONELY_THEME = "OFR410"
    OLDER_CHECKOUT = "OFR411"
    STILL_NAMED = "OFR412"
    CASES_TOO_MANY = "OFR413"
    CASES_CHANGED = "OFR414"
    # 5xx: plans
    PLAN_UNREADABLE = "OFR501"
    PLAN_EDITED = "OFR502"
    PLAN_FORMAT = "OFR503"
    PLAN_PROJECT = "OFR504"
    PLAN_STALE = "OFR505"
    PLAN_EMPTY_TARGET = "OFR506"
    PLAN_DECLINED = "OFR507"
    # 6xx: the store
    STORE_FOREIGN = "OFR601"
    STORE_READ_ONLY = "OFR602"
    STORE_FULL = "OFR603"
    STORE_LOCKED = "OFR604"
    STORE_VERSION = "OFR605"
    STORE_MISSING = "OFR606"
    STORE_DAMAGED = "OFR607"
    HISTORY_BROKEN = "OFR608"
    STORE_CONNECTION = "OFR609"
    STORE_PACKAGE = "OFR610"
    STORE_URL = "OFR611"
    STORE_NOT_BLANK = "OFR612"
    STORE_CONFLICT = "OFR613"
    STORE_RESTORED = "OFR614"
    NO_CASES = "OFR615"
    CONTACTS_OTHER = "OFR616"
    STORE_REPLACED = "OFR617"
    STORE_OTHER = "OFR618"
    NOT_RESTORED = "OFR619"
    SIMULATION_OPTIONS = "OFR620"
    SPARK_FAILED = "OFR621"
    SHORT_OUTLINE = "OFR622"
    # 63x: what is made for everybody
    CALL_DATA_UNKNOWN = "OFR630"
    # 7xx: who may do what
    NOT_ALLOWED = "OFR701"
    NO_OPERATOR = "OFR702"
    NOT_APPROVED = "OFR703"
    SEPARATION = "OFR704"
    IMPACT = "OFR705"
    IMPACT_UNMEASURED = "OFR706"
    NOT_AS_SHOWN = "OFR707"
    TOKEN_SCOPE = "OFR708"  # noqa: S105 - a code
    BLOCKED = "OFR709"
    STOPPED = "OFR710"
    NOT_APPROVED_SINCE = "OFR711"
    WITHDRAWN = "OFR712"
    PLAN_EXPLANATION = "OFR713"
    RETENTION = "OFR714"
    REVIEWERS_GONE = "OFR715"
    POLICY_DENIED = "OFR716"
    POLICY_WARNED = "OFR717"
    SHARED_ACCOUNT = "OFR719"
    NOT_REVIEWED = "OFR720"
    NOT_THE_REVIEWED = "OFR721"
    CODEOWNERS = "OFR722"
    SETTINGS_ALONE = "OFR761"
    # 75x: calls over the network
    BUSY = "OFR750"
    BAD_REQUEST = "OFR751"
    PACKAGE_MISSING = "OFR752"
    REMOTE = "OFR753"
    REMOTE_NOT_THERE = "OFR754"
    KEY_SIGNATURE = "OFR755"
    KEY_UNCHECKED = "OFR756"
    NOT_A_READER = "OFR757"
    IDENTIFYING_FIELD = "OFR758"
    AUTHORS = "OFR762"
    NOT_A_PERSON = "OFR763"
    SHARED_EMAIL = "OFR764"
    NO_IMPACT = "OFR765"
    BEHIND_UNTOLD = "OFR766"
    NOT_ON_APPLIED = "OFR767"
    # 8xx: what was asked for
    NO_MATCH = "OFR801"
    BAD_ADDRESS = "OFR802"
    BAD_POINT = "OFR803"
    GIT = "OFR804"
    TARGET_EXISTS = "OFR805"
    AMBIGUOUS_TIME = "OFR806"
    REPORT_FORMAT = "OFR807"
    NOT_RENDERED = "OFR830"
    UNKNOWN_DELIVERY = "OFR840"
    DELIVERED = "OFR841"
    NOT_DELIVERED = "OFR842"
    OUT_OF_PERIOD = "OFR843"
    DELIVERY_RUNNING = "OFR844"
    UNKNOWN_SPACE = "OFR850"
    NOT_UNITARY = "OFR851"
    BAD_COUNT = "OFR852"
    UNKNOWN_CALL_DATA = "OFR853"
    BAD_CALL_DATA = "OFR854"
    MISSING_CALL_DATA = "OFR855"
    UNKNOWN_SLICE = "OFR856"
    BROKEN_RULE = "OFR857"
    NOBODY = "OFR858"
    HOOK_MISSING = "OFR860"
    HOOK_FAILED = "OFR861"
    HOOK_ANSWER = "OFR862"
    CONTACTS_SOURCE = "OFR870"
    CONTACT_COLUMNS = "OFR871"
    CONTACT_VALUE = "OFR872"
    CONTACT_ROW = "OFR873"
    CONTACT_KEY = "OFR874"
    CONTACT_AMBIGUOUS = "OFR875"
    CONTACTS_PACKAGE = "OFR876"
    CONTACTS_URL = "OFR877"
    CONTACTS_DATABASE = "OFR878"
    NO_CONTACT = "OFR879"
    UNKNOWN_PROPOSITION = "OFR880"
    STATUS_STEP = "OFR881"
    PROPOSITION_EXISTS = "OFR882"
    UNKNOWN_STATUS = "OFR883"
    BAD_CASE = "OFR890"
    CASE_FAILED = "OFR891"
    UNKNOWN_AXIS = "OFR895"
    NOT_EMITTED = "OFR896"
    NO_ROOM = "OFR897"
    CONTACT_TWICE = "OFR898"
    NO_CONTACTS = "OFR899"
    # 9xx: ours
    BUNDLE = "OFR920"
    BUNDLE_OTHER = "OFR921"
    MEANING = "OFR922"
    NO_BASE = "OFR923"
    FORGE = "OFR925"
    FORGE_REFUSES = "OFR926"
    FORGE_LIMIT = "OFR927"
    FORGE_SETTINGS = "OFR928"
    BUG = "OFR901"
    PULL_REQUEST_UNREADABLE = "OFR930"


CODES: dict[Code, str] = {
    Code.YAML_SYNTAX: "The file is not YAML: a tab, a missing colon or quote, wrong indentation.",
    Code.DUPLICATE_KEY: "The same key stands twice in one map; YAML would silently keep one of them.",
    Code.CUSTOM_TAG: "A YAML tag such as !!python or !env; spec files are plain data.",
    Code.ALIAS_BUDGET: "Aliases (*name) expand to more nodes than a spec file may have.",
    Code.FILE_TOO_LARGE: "The file is larger than 16 MiB.",
    Code.TOO_DEEP: "Maps and lists are nested deeper than 32 levels.",
    Code.NOT_UTF8: "The file is not valid UTF-8.",
    Code.LINK_OUTSIDE: "A symbolic link leads out of the project.",
    Code.EMPTY_FILE: "The file holds nothing; every spec file begins with version: 1.",
    Code.VERSION: "The file does not say version: 1, or says a version this offerkit does not know.",
    Code.NO_PROJECT: "No project here: no folder with specs/ and environments/, neither this one nor one above.",
    Code.UNREADABLE: "The file could not be read.",
    Code.MISPLACED: "A section or file stands where it does not belong.",
    Code.NO_WORKING_DIRECTORY: "The working directory does not exist any more, or cannot be used.",
    Code.UNKNOWN_KEY: "A key that this place does not have.",
    Code.WRONG_TYPE: "A value of another type than the field's.",
    Code.MISSING: "A required field is missing.",
    Code.BAD_VALUE: "A value outside of what the field allows.",
    Code.BAD_NAME: "A name with characters or a length that names may not have.",
    Code.PERIOD_ORDER: "A period that ends before it begins.",
    Code.TEMPLATE_SYNTAX: "A rendering template or a personalised text with a syntax error.",
    Code.INSIDE_SPECS: "A new project would lie among the specs of another.",
    Code.EXPRESSION: "A condition or formula that cannot be read, or that means nothing where it stands.",
    Code.POLICIES_TOO_MANY: "An environment has more policies than every offer can be asked about.",
    Code.POLICY_ASKS_NOTHING: "A policy whose condition cannot be asked of anything that it applies to.",
    Code.PARAMETER: "A value for a filter's parameter that is missing, unknown, or of another type than declared.",
    Code.UNKNOWN_REFERENCE: "A name that nothing declares.",
    Code.CYCLE: "References that lead back to where they began.",
    Code.DECLARED_TWICE: "One resource declared in two places.",
    Code.MISSING_PARENT: "A category whose parent is not declared.",
    Code.FOREIGN_REFERENCE: "A reference into another environment where only the own one is allowed.",
    Code.BAD_MOVE: "A rename that cannot be: unknown, circular, or onto a resource that exists.",
    Code.FIELD_NOT_ON_SPACE: "Content for a field that the space does not have.",
    Code.REQUIRED_FIELD: "A required content field is missing on a space where the offer is, or is to be, shown.",
    Code.NO_IDENTIFICATION: "A unitary space for identified contacts without identification keys.",
    Code.UNKNOWN_VARIABLE: "A template names a field that does not exist.",
    Code.NOT_LIVE: "A delivery or outline names what is not live.",
    Code.ANONYMOUS: "What an anonymous environment may not have, or a fallback that is not anonymous.",
    Code.UNKNOWN_FIELD: "A key or field that the targeting dimension does not have.",
    Code.UNKNOWN_THEME: "A space or delivery asks for a theme that no offer, template or category carries.",
    Code.OLDER_CHECKOUT: "A plan deletes what a newer commit than the checkout's declares (a warning).",
    Code.LONELY_THEME: "A theme that only one resource carries and that is nearly another one (a warning).",
    Code.PROTECTED: "A protected resource would be deleted.",
    Code.STILL_NAMED: "Something that stays in live names what would go.",
    Code.CASES_TOO_MANY: "A file has more decision cases, or larger ones, than can be applied and reviewed as one.",
    Code.CASES_CHANGED: "Cases that live has to pass would say something else, by their author alone.",
    Code.PLAN_UNREADABLE: "The plan file is missing, cut short, or not a plan.",
    Code.PLAN_EDITED: "The plan file was edited after it was saved.",
    Code.PLAN_FORMAT: "The plan file has a format this offerkit does not know.",
    Code.PLAN_PROJECT: "The plan was made for another project's store.",
    Code.PLAN_STALE: "What the plan touches or depends on changed after it was made.",
    Code.PLAN_EMPTY_TARGET: "The address patterns match nothing.",
    Code.PLAN_DECLINED: "The plan was not confirmed, so nothing was changed.",
    Code.STORE_FOREIGN: "The file is not an offerkit store.",
    Code.STORE_READ_ONLY: "The store cannot be written.",
    Code.STORE_FULL: "There is no room left for the store.",
    Code.STORE_LOCKED: "Another run holds the store's lock.",
    Code.STORE_VERSION: "The store has a format this offerkit does not know.",
    Code.STORE_MISSING: "There is no store yet; the first apply makes it.",
    Code.STORE_DAMAGED: "The store's database is damaged.",
    Code.HISTORY_BROKEN: "The history does not verify: a row was edited, removed or reordered.",
    Code.STORE_CONNECTION: "The store's server cannot be reached, does not let us in, or cut the connection.",
    Code.STORE_PACKAGE: "The store is in a database whose Python package is not installed.",
    Code.STORE_URL: "The address of a store that cannot be read, or that names a kind of store there is not.",
    Code.STORE_NOT_BLANK: "A store is to be copied to where there is something already.",
    Code.STORE_RESTORED: "The store's history does not go on from what this project saw of it: it is another or older.",
    Code.NO_CASES: "An environment has its cases run before each promotion, and none of its cases were applied.",
    Code.CONTACTS_OTHER: "The file of a case's contacts is another than the one with which the case was applied.",
    Code.STORE_REPLACED: "The store was deleted or replaced while it was in use; nothing of this run was kept.",
    Code.STORE_OTHER: "Another project's store is in the place of the one that is expected.",
    Code.NOT_RESTORED: "The store cannot be restored from this file, or what was there cannot be carried over.",
    Code.STORE_CONFLICT: "Others wrote the same at the same moment and went first; nothing of this run was kept.",
    Code.CALL_DATA_UNKNOWN: "A simulation or delivery reads call data that only a call has; it is unknown (a warning).",
    Code.NOT_ALLOWED: "The operator's profile may not do this.",
    Code.NO_OPERATOR: "It is not known who is asking.",
    Code.PLAN_EXPLANATION: "A plan file says something of its steps that is not so, or not any more.",
    Code.RETENTION: "A plan would purge an offer before its retention is over.",
    Code.NOT_APPROVED: "An approval that the promotion needs is missing.",
    Code.SEPARATION: "Who changed an offer may not approve it here.",
    Code.IMPACT: "A promotion would leave more contacts without an offer than the environment allows.",
    Code.IMPACT_UNMEASURED: "How many contacts a promotion leaves without an offer is limited, but cannot be measured.",
    Code.TOKEN_SCOPE: "The operator's token does not have the scope that this needs.",
    Code.STOPPED: "Something is stopped, so that it cannot become live.",
    Code.NOT_APPROVED_SINCE: "What was stopped is resumed by an approval given after the stop, and there is none.",
    Code.REVIEWERS_GONE: "Reviewers who have to agree are no enabled operators any more; that takes an override.",
    Code.POLICY_DENIED: "A policy denies what is declared or changed.",
    Code.POLICY_WARNED: "A policy warns of what is declared (a warning).",
    Code.SHARED_ACCOUNT: "Two operators have the same account of a forge, by which reviews are told apart.",
    Code.NOT_REVIEWED: "A review of a pull request does not count as its author's approval.",
    Code.NOT_THE_REVIEWED: "What is applied is not, or not any more, what the pull request's reviewers have seen.",
    Code.CODEOWNERS: "The file CODEOWNERS is not what the specs say, or was not written by offerkit.",
    Code.SETTINGS_ALONE: "Who alone wrote a change of settings would take it live alone, where duties are separated.",
    Code.BLOCKED: "Something is blocked, and the command was asked to fail then.",
    Code.STOPPED: "It is stopped (offerkit stop): it stays out of live until it is resumed.",
    Code.NOT_APPROVED_SINCE: "What was stopped can be resumed once it was approved anew, after the stop.",
    Code.NOT_AS_SHOWN: "An offer was changed after it was shown to who decides on it.",
    Code.AUTHORS: "It is not known, or not sure, who wrote what an automation applies.",
    Code.NOT_A_PERSON: "An automation does, or is named for, what only a person may do.",
    Code.SHARED_EMAIL: "Two operators have the same e-mail address, by which git tells them apart.",
    Code.NO_IMPACT: "What a difference changes for people cannot be told of the states that are compared.",
    Code.BEHIND_UNTOLD: "Which differences only mean an older checkout cannot be told (a warning).",
    Code.NOT_ON_APPLIED: "What is checked out does not go on from the commit that was applied last (a warning).",
    Code.WITHDRAWN: "A rollback would bring back what was rejected, switched off or retired since.",
    Code.NO_MATCH: "Nothing matches what was asked for.",
    Code.BAD_ADDRESS: "Not an address, a pattern or a stage.",
    Code.BAD_POINT: "Not a point in the history.",
    Code.GIT: "git could not give the specs at that revision.",
    Code.TARGET_EXISTS: "A file or folder that would be overwritten.",
    Code.AMBIGUOUS_TIME: "A time that was more than once, since the clock was set back, and means several states.",
    Code.UNKNOWN_PROPOSITION: "No proposition has that id, or it is of another environment.",
    Code.STATUS_STEP: "A status that may not follow the one that the proposition has.",
    Code.PROPOSITION_EXISTS: "A proposition is stored already under that id.",
    Code.UNKNOWN_STATUS: "Not a status of a proposition.",
    Code.BAD_CASE: "A decision case that cannot be run: unknown keys, a wrong space, a contact that does not fit.",
    Code.CASE_FAILED: "A decision case gives other offers than it expects.",
    Code.UNKNOWN_AXIS: "A simulation is to be told apart by a field that its contacts do not have.",
    Code.SIMULATION_OPTIONS: "Options of simulate that do not go together, such as --emit-sql and --html.",
    Code.SPARK_FAILED: "Spark could not decide: it ran out of memory, or its process ended.",
    Code.SHORT_OUTLINE: "A delivery takes more of an outline's offers than the outline has.",
    Code.NOT_EMITTED: "A decision that a query for another engine cannot say with the same meaning.",
    Code.BUSY: "The server has more calls than it can answer or store in time; nothing was stored of this one. Or a"
    " large request was given up: then its message says that nothing is known of how far it got.",
    Code.BAD_REQUEST: "A call over the network that is not written as the interface says.",
    Code.REMOTE: "The server that holds the store cannot be reached, or is none of offerkit's.",
    Code.REMOTE_NOT_THERE: "A command that works only where the store is, not through a server.",
    Code.PACKAGE_MISSING: "A Python package that this command needs is not installed.",
    Code.KEY_SIGNATURE: "A contact's key that does not carry the signature its environment asks for.",
    Code.KEY_UNCHECKED: "The secret of signed contact keys is not there, or too short.",
    Code.NOT_A_READER: "Through a server: contacts or their values, for an operator who may not read contacts there.",
    Code.IDENTIFYING_FIELD: "--by a field that identifies contacts, without --examples, which names them.",
    Code.NO_ROOM: "The disk has no room for what a batch over all contacts spills to it.",
    Code.CONTACT_TWICE: "Two contacts of a source have the same key.",
    Code.NO_CONTACTS: "A source has no contacts at all.",
    Code.UNKNOWN_DELIVERY: "No campaign in live has that delivery.",
    Code.DELIVERED: "A delivery is made once; this one was made, or sent, before.",
    Code.NOT_DELIVERED: "What is to be sent or withdrawn was not made.",
    Code.OUT_OF_PERIOD: "A delivery's contact date is outside of the campaign's period.",
    Code.DELIVERY_RUNNING: "Another run is making the same delivery, or one was left unfinished.",
    Code.REPORT_FORMAT: "A report in a format that it does not have.",
    Code.NOT_RENDERED: "An offer could not be rendered for one contact and was left out of the answer (a warning).",
    Code.NOBODY: "A call identified nobody, and the space has no fallback (a warning; the answer is empty).",
    Code.UNKNOWN_SPACE: "A call names a space that is not there, or not live.",
    Code.NOT_UNITARY: "A call for one contact names a space that is for batch only.",
    Code.BAD_COUNT: "A call asks for no offers, or for too many.",
    Code.UNKNOWN_CALL_DATA: "A call passes data that the environment does not declare.",
    Code.BAD_CALL_DATA: "A call passes data of another type than declared.",
    Code.MISSING_CALL_DATA: "A call lacks data that the environment requires.",
    Code.UNKNOWN_SLICE: "A call names a category or theme that is not there (a warning; the answer leaves it out).",
    Code.BROKEN_RULE: "A rule of the stage cannot be read any more; it never holds (a warning).",
    Code.HOOK_MISSING: "A space or weight names a hook that no installed package provides (a warning).",
    Code.HOOK_FAILED: "A hook raised an error; the call went on without it (a warning).",
    Code.HOOK_ANSWER: "A hook returned what cannot be used; the call went on without it (a warning).",
    Code.CONTACTS_SOURCE: "The contacts cannot be read: no source is declared, or its file is missing or not readable.",
    Code.CONTACT_COLUMNS: "The source of the contacts lacks fields of the dimension, or has them with another type.",
    Code.CONTACT_VALUE: "A contact's value does not fit the field's type.",
    Code.CONTACT_ROW: "A row of the contacts' file that is no CSV: quotes, encoding, length, or the number of cells.",
    Code.CONTACT_KEY: "The contact key has too few or too many parts, or a part of the wrong type.",
    Code.CONTACT_AMBIGUOUS: "More than one contact has the key that was asked for.",
    Code.CONTACTS_PACKAGE: "A Python package that reads this kind of source is not installed.",
    Code.CONTACTS_URL: "The URL of the contacts' database is missing, or of a database that is not supported.",
    Code.CONTACTS_DATABASE: "The database of the contacts refused, or did not answer in time.",
    Code.NO_CONTACT: "No contact has the key that was asked for.",
    Code.BUNDLE: "A bundle of “ci plan” is missing or damaged, was edited, or holds what no bundle holds.",
    Code.BUNDLE_OTHER: "A bundle is of another pull request, of another head of it, or of another kind of plan.",
    Code.MEANING: "What would be applied is not what was read in the pull request.",
    Code.NO_BASE: "There is no store, and it is not known which branch the pull request goes into.",
    Code.FORGE: "GitHub or GitLab cannot be reached, or gives an answer that cannot be used.",
    Code.FORGE_REFUSES: "GitHub or GitLab refuses: the token may not do it, or there is no such thing.",
    Code.FORGE_LIMIT: "GitHub or GitLab limits the rate of requests for longer than this run waits.",
    Code.FORGE_SETTINGS: "Which forge, repository or token to use is not said, or cannot be read.",
    Code.BUG: "A mistake of offerkit itself; please report it.",
    Code.PULL_REQUEST_UNREADABLE: "What “offerkit ci plan” wrote for a pull request is damaged, or of another format.",
}
