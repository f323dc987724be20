"""The stable code of every diagnostic and its meaning; docs/reference/diagnostics.md is generated from them."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """A code never changes its meaning, and is never reused for another one."""

    # 1xx: files
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
    # 2xx: a single resource
    UNKNOWN_KEY = "OFR201"
    WRONG_TYPE = "OFR202"
    MISSING = "OFR203"
    BAD_VALUE = "OFR204"
    BAD_NAME = "OFR205"
    PERIOD_ORDER = "OFR206"
    TEMPLATE_SYNTAX = "OFR207"
    INSIDE_SPECS = "OFR216"
    OFFER_FIELD_TAKEN = "OFR218"
    FILTER_READS_OFFER = "OFR219"
    EXPRESSION = "OFR220"
    POLICIES_TOO_MANY = "OFR221"
    POLICY_ASKS_NOTHING = "OFR222"
    OFFER_FIELD_VALUE = "OFR226"
    PARAMETER = "OFR230"
    # 3xx: references between resources
    UNKNOWN_REFERENCE = "OFR301"
    CYCLE = "OFR302"
    DECLARED_TWICE = "OFR303"
    MISSING_PARENT = "OFR304"
    FOREIGN_REFERENCE = "OFR305"
    BAD_MOVE = "OFR306"
    # 4xx: rules between resources
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
    OFFER_FIELD_UNKNOWN = "OFR415"
    OFFER_FIELD_MISSING = "OFR416"
    FACT_HIDDEN = "OFR417"
    STORED_TYPES = "OFR418"
    NEVER_STORED = "OFR419"
    # 44x: findings of lint
    NOBODY_MEETS = "OFR440"
    EVERYBODY_MEETS = "OFR441"
    ADDS_NOTHING = "OFR442"
    UNREACHABLE = "OFR443"
    WEIGHT_NEVER_WINS = "OFR444"
    OUTWEIGHED = "OFR445"
    RULE_CONTAINED = "OFR446"
    DATES_NEVER_MEET = "OFR447"
    EMPTY_CATEGORY = "OFR448"
    LONE_ZERO = "OFR449"
    UNUSED_FILTER = "OFR450"
    UNUSED_PARAMETER = "OFR451"
    ENDED = "OFR452"
    UNREAD_FIELD = "OFR453"
    NEVER_PRODUCT = "OFR454"
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
    NO_SIMULATION = "OFR623"
    SIMULATION_EXISTS = "OFR624"
    SIMULATIONS_APART = "OFR625"
    # 63x: batches
    CALL_DATA_UNKNOWN = "OFR630"
    # 7xx: rights and approvals
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
    BUILT_IN_PROFILE = "OFR718"
    SHARED_ACCOUNT = "OFR719"
    NOT_REVIEWED = "OFR720"
    NOT_THE_REVIEWED = "OFR721"
    CODEOWNERS = "OFR722"
    RESERVED_PROPERTIES = "OFR723"
    NOT_A_DESIGN_READER = "OFR724"
    WEBHOOK_SECRET = "OFR725"  # noqa: S105 - a code
    WEBHOOK_NOT_SENT = "OFR726"
    WEBHOOK_DEAD = "OFR727"
    FROZEN = "OFR728"
    OUTSIDE_WINDOWS = "OFR729"
    SCHEDULE_TIME = "OFR730"
    NOT_SCHEDULED = "OFR731"
    SCHEDULE_LAPSED = "OFR732"
    SCHEDULE_FULL = "OFR733"
    SETTINGS_ALONE = "OFR761"
    # 75x: servers and clients
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
    # 8xx: requests
    NO_MATCH = "OFR801"
    BAD_ADDRESS = "OFR802"
    BAD_POINT = "OFR803"
    GIT = "OFR804"
    TARGET_EXISTS = "OFR805"
    AMBIGUOUS_TIME = "OFR806"
    REPORT_FORMAT = "OFR807"
    NO_SOLVER = "OFR808"
    NOT_RENDERED = "OFR830"
    DATA_WITHOUT_CONTACT = "OFR832"
    UNKNOWN_DELIVERY = "OFR840"
    DELIVERED = "OFR841"
    NOT_DELIVERED = "OFR842"
    OUT_OF_PERIOD = "OFR843"
    DELIVERY_RUNNING = "OFR844"
    SLOT_NOT_SHOWN = "OFR845"
    OFFER_FIELD = "OFR846"
    RECIPIENT_DATA = "OFR847"
    DATA_ROW = "OFR848"
    BATCH_PREVIEW = "OFR849"
    UNKNOWN_SPACE = "OFR850"
    NOT_UNITARY = "OFR851"
    BAD_COUNT = "OFR852"
    UNKNOWN_CALL_DATA = "OFR853"
    BAD_CALL_DATA = "OFR854"
    MISSING_CALL_DATA = "OFR855"
    UNKNOWN_SLICE = "OFR856"
    BROKEN_RULE = "OFR857"
    NOBODY = "OFR858"
    UNKNOWN_EXAMPLE = "OFR859"
    HOOK_MISSING = "OFR860"
    HOOK_FAILED = "OFR861"
    HOOK_ANSWER = "OFR862"
    PRODUCT_TAKEN = "OFR863"
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
    BAD_CURSOR = "OFR884"
    CURSOR_GONE = "OFR885"
    UNKNOWN_GROUP = "OFR886"
    LISTING_OPTIONS = "OFR887"
    OUTPUT_IN_USE = "OFR888"
    BAD_CASE = "OFR890"
    CASE_FAILED = "OFR891"
    UNKNOWN_AXIS = "OFR895"
    NOT_EMITTED = "OFR896"
    NO_ROOM = "OFR897"
    CONTACT_TWICE = "OFR898"
    NO_CONTACTS = "OFR899"
    # 958: exports of the history
    EXPORT_BROKEN = "OFR958"
    EXPORT_UNREADABLE = "OFR959"
    RECORD_UNCOVERED = "OFR960"
    # 9xx: pull requests, forges, and bugs of offerkit
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
    # 952 to 957: rights of contacts
    CONTACT_IN_SEVERAL = "OFR952"
    KEY_IN_MESSAGE = "OFR953"
    NOT_ERASED = "OFR954"
    ERASED_ELSEWHERE = "OFR955"
    # 945-951: decisions of the past and their evidence
    NOT_LIVE_THEN = "OFR945"
    PAST_NOT_STORED = "OFR946"
    PRESENT_CONTACT = "OFR947"
    NO_EVIDENCE = "OFR948"
    EVIDENCE_UNREADABLE = "OFR949"
    # 965 to 979: signatures and anchors
    SIGNATURE_DEMANDED = "OFR965"
    BAD_SIGNATURE = "OFR966"
    SIGNED_FOR_EARLIER = "OFR967"
    NOT_SIGNED = "OFR968"
    SHARED_KEY = "OFR969"
    ANCHOR_MISMATCH = "OFR970"
    ANCHOR_PLACE = "OFR971"
    NO_ANCHORS = "OFR972"


CODES: dict[Code, str] = {
    Code.YAML_SYNTAX: "The file is not valid YAML: a tab, a missing colon or quote, or wrong indentation.",
    Code.DUPLICATE_KEY: "A map has the same key twice; YAML would silently keep only one.",
    Code.CUSTOM_TAG: "A YAML tag such as !!python or !env is not allowed; spec files are plain data.",
    Code.ALIAS_BUDGET: "The aliases (*name) of a file expand to more nodes than a spec file may have.",
    Code.FILE_TOO_LARGE: "The file is larger than 16 MiB.",
    Code.TOO_DEEP: "Maps and lists are nested deeper than 32 levels.",
    Code.NOT_UTF8: "The file is not valid UTF-8.",
    Code.LINK_OUTSIDE: "A symbolic link points outside the project.",
    Code.EMPTY_FILE: "The file is empty; every spec file begins with version: 1.",
    Code.VERSION: "The file has no “version: 1”, or a version that this offerkit does not know.",
    Code.NO_PROJECT: "There is no project here: neither this folder nor one above it has specs/ and environments/.",
    Code.UNREADABLE: "A file could not be read or written.",
    Code.MISPLACED: "A section or file is in the wrong place.",
    Code.NO_WORKING_DIRECTORY: "The working directory no longer exists, or cannot be used.",
    Code.UNKNOWN_KEY: "A key that is not known in this place.",
    Code.WRONG_TYPE: "A value of the wrong type.",
    Code.MISSING: "A required field is missing.",
    Code.BAD_VALUE: "A value that the field does not allow.",
    Code.BAD_NAME: "A name that is too long or contains characters that are not allowed.",
    Code.PERIOD_ORDER: "A period that ends before it begins.",
    Code.TEMPLATE_SYNTAX: "A syntax error in a rendering template or a personalised text.",
    Code.INSIDE_SPECS: "A new project would be created among the specs of another project.",
    Code.OFFER_FIELD_TAKEN: "A declared field of offers with the name of a built-in one.",
    Code.FILTER_READS_OFFER: "An environment's own filter depends on the offer.",
    Code.EXPRESSION: "A condition or formula that cannot be parsed, or that uses names or types not allowed here.",
    Code.POLICIES_TOO_MANY: "An environment has more policies than offerkit checks.",
    Code.POLICY_ASKS_NOTHING: "A policy whose condition cannot apply to any resource.",
    Code.OFFER_FIELD_VALUE: "A value that does not fit the type or range of the declared field of offers.",
    Code.PARAMETER: "A filter parameter's value is missing, unknown, or of the wrong type.",
    Code.UNKNOWN_REFERENCE: "A reference to something that is not declared.",
    Code.CYCLE: "Resources refer to each other in a circle.",
    Code.DECLARED_TWICE: "A resource is declared twice.",
    Code.MISSING_PARENT: "A category whose parent category is not declared.",
    Code.FOREIGN_REFERENCE: "A reference to a resource of another environment.",
    Code.BAD_MOVE: "A rename that is not possible: its target is not declared, or its old name still is.",
    Code.FIELD_NOT_ON_SPACE: "Content for a field that the space does not have.",
    Code.REQUIRED_FIELD: "An offer lacks a required content field of a space on which it is to be shown.",
    Code.NO_IDENTIFICATION: "A unitary space for identified contacts has no identification keys.",
    Code.UNKNOWN_VARIABLE: "A template uses a field that does not exist.",
    Code.NOT_LIVE: "A delivery or outline names something that is not live.",
    Code.ANONYMOUS: "An anonymous environment has something it cannot have, or a fallback is not anonymous.",
    Code.UNKNOWN_FIELD: "A key or field that the dimension does not have.",
    Code.UNKNOWN_THEME: "A space or delivery asks for a theme that no offer, template or category has.",
    Code.OLDER_CHECKOUT: "A plan deletes resources that a newer commit than the one checked out declares (a warning).",
    Code.LONELY_THEME: "A theme that only one resource has and that looks like a misspelling of another (a warning).",
    Code.PROTECTED: "A plan would delete a protected resource.",
    Code.STILL_NAMED: "Something that stays live refers to something that would be removed.",
    Code.CASES_TOO_MANY: (
        "A file has too many decision cases, or cases that are too large, to be applied and reviewed as one."
    ),
    Code.CASES_CHANGED: "Cases that promotions have to pass would be changed by their author alone.",
    Code.OFFER_FIELD_UNKNOWN: "A value for a field of offers that the environment does not declare.",
    Code.OFFER_FIELD_MISSING: "An offer without a value for a field that its environment requires of every offer.",
    Code.FACT_HIDDEN: "Call data that is named like a built-in fact of a call, which nothing can read then (a note).",
    Code.STORED_TYPES: "Data that is stored under one name with several types, where a rule counts by stored data.",
    Code.NEVER_STORED: "A presentation rule that counts by data or a product that nothing stores now (a note).",
    Code.NOBODY_MEETS: "A condition that no contact can meet (a warning).",
    Code.EVERYBODY_MEETS: "A condition, or a part of one, that every contact meets (a warning).",
    Code.ADDS_NOTHING: "A part of a condition, or a filter, that the others already imply (a warning).",
    Code.UNREACHABLE: "An offer for which no contact can be eligible on any space (a warning).",
    Code.WEIGHT_NEVER_WINS: "A weight that another of the offer always reaches or exceeds (a warning).",
    Code.OUTWEIGHED: "An offer that calls for one never get, because another always weighs more (a warning or a note).",
    Code.RULE_CONTAINED: "A presentation rule that leaves out only what another one leaves out, too (a warning).",
    Code.DATES_NEVER_MEET: "Two periods that must both hold have no day in common (a warning).",
    Code.EMPTY_CATEGORY: "A category none of whose offers can be proposed (a warning; a note if all ended or are off).",
    Code.LONE_ZERO: "All weights of an offer are 0, so it is never eligible (a warning).",
    Code.UNUSED_FILTER: "A filter that nothing uses (a warning).",
    Code.UNUSED_PARAMETER: "A filter's parameter that its condition does not read (a warning).",
    Code.ENDED: "An offer, category, weight or multiplier whose last day has passed (a note).",
    Code.UNREAD_FIELD: "A declared field of offers that nothing in the specs reads (a note).",
    Code.NEVER_PRODUCT: "A text that reads values of products, of an offer that never becomes one (a note).",
    Code.PLAN_UNREADABLE: "The plan file is missing, incomplete, or not a plan.",
    Code.PLAN_EDITED: "The plan file was edited after it was saved.",
    Code.PLAN_FORMAT: "The plan file has a format this offerkit does not know.",
    Code.PLAN_PROJECT: "The plan was made for another project's store.",
    Code.PLAN_STALE: "Something that the plan changes or depends on has changed since the plan was made.",
    Code.PLAN_EMPTY_TARGET: "No resource matches the address patterns.",
    Code.PLAN_DECLINED: "The plan was not confirmed, so nothing was changed.",
    Code.STORE_FOREIGN: "The file is not an offerkit store.",
    Code.STORE_READ_ONLY: "The store is read-only.",
    Code.STORE_FULL: "There is no space left for the store.",
    Code.STORE_LOCKED: "Another run holds the store's lock.",
    Code.STORE_VERSION: "The store has a format this offerkit does not know.",
    Code.STORE_MISSING: "There is no store yet; the first apply creates it.",
    Code.STORE_DAMAGED: "The store is damaged.",
    Code.HISTORY_BROKEN: "The history does not verify: a row was edited, removed or reordered.",
    Code.STORE_CONNECTION: "The store's server cannot be reached, refuses the connection, or closed it.",
    Code.STORE_PACKAGE: "The Python package for the store's database is not installed.",
    Code.STORE_URL: "The store's address is invalid, or names an unknown kind of store.",
    Code.STORE_NOT_BLANK: "There is already something where a store is to be copied to.",
    Code.STORE_RESTORED: (
        "The store's history does not continue the one that this project saw last: it is older, or another one."
    ),
    Code.NO_CASES: "An environment requires its cases to pass before each promotion, but no cases are applied.",
    Code.CONTACTS_OTHER: "The contacts file of a case is not the one with which the case was applied.",
    Code.STORE_REPLACED: "The store was deleted or replaced while it was in use; nothing of this run was kept.",
    Code.STORE_OTHER: "The store belongs to another project.",
    Code.NOT_RESTORED: "The store cannot be restored from this file, or the data added since cannot be carried over.",
    Code.STORE_CONFLICT: "Another process wrote the same data at the same moment; nothing of this run was kept.",
    Code.CALL_DATA_UNKNOWN: (
        "A simulation or delivery uses call data, which only a call has; it is unknown (a warning)."
    ),
    Code.NOT_ALLOWED: "The operator does not have the right to do this.",
    Code.NO_OPERATOR: "The operator is not given, or not known.",
    Code.PLAN_EXPLANATION: "An explanation in a plan file is not, or no longer, true.",
    Code.RETENTION: "A plan would purge an offer before its retention period is over.",
    Code.NOT_APPROVED: "A promotion lacks an approval.",
    Code.SEPARATION: "The author of a change cannot approve it, because duties are separated.",
    Code.IMPACT: "A promotion would leave more contacts without an offer than the environment allows.",
    Code.IMPACT_UNMEASURED: "The impact of a promotion is limited, but cannot be measured.",
    Code.TOKEN_SCOPE: "The operator's token lacks the scope that this needs.",
    Code.STOPPED: "It is stopped (offerkit stop): it stays out of live until it is resumed.",
    Code.NOT_APPROVED_SINCE: "Something that was stopped can only be resumed once it has been approved again.",
    Code.REVIEWERS_GONE: "Required reviewers are no longer enabled operators; the promotion needs an override.",
    Code.POLICY_DENIED: "A policy denies a resource or a change.",
    Code.POLICY_WARNED: "A policy warns about a resource (a warning).",
    Code.BUILT_IN_PROFILE: "A declared profile has the name of a built-in one.",
    Code.SHARED_ACCOUNT: "Two operators have the same forge account.",
    Code.NOT_REVIEWED: "A review of a pull request does not count as an approval.",
    Code.NOT_THE_REVIEWED: "What is applied is not what the pull request's reviewers saw.",
    Code.CODEOWNERS: "The CODEOWNERS file does not match the specs, or was not written by offerkit.",
    Code.RESERVED_PROPERTIES: "Only administrators may change the properties that say who may do what.",
    Code.NOT_A_DESIGN_READER: "The operator's profile does not allow reading design through a server.",
    Code.WEBHOOK_SECRET: "The secret that signs a webhook's events is missing or unusable.",
    Code.WEBHOOK_NOT_SENT: "A receiver did not take an event; it is sent again later.",
    Code.WEBHOOK_DEAD: "A receiver did not take an event after all attempts.",
    Code.FROZEN: "The environment takes no promotions now: it declares a freeze (promotion: freezes).",
    Code.OUTSIDE_WINDOWS: "The environment takes promotions only in its windows (promotion: windows).",
    Code.SCHEDULE_TIME: "Nothing can be scheduled for this time: it is past, does not exist, or occurs twice.",
    Code.NOT_SCHEDULED: "No promotion is scheduled under this number, or it has ended.",
    Code.SCHEDULE_LAPSED: (
        "A scheduled promotion no longer counts: it was found too late, or the store was restored or edited since."
    ),
    Code.SCHEDULE_FULL: "Too many promotions are scheduled, or there is nothing to schedule.",
    Code.SETTINGS_ALONE: (
        "The only author of a change to settings would promote it alone, although duties are separated."
    ),
    Code.BLOCKED: "Something is blocked, and the command was told to fail in that case.",
    Code.NOT_AS_SHOWN: "An offer changed after it was shown to the reviewer.",
    Code.AUTHORS: "The author of what an automation applies is not known for certain.",
    Code.NOT_A_PERSON: "An automation does something, or is named for something, that only a person may do.",
    Code.SHARED_EMAIL: "Two operators have the same e-mail address.",
    Code.NO_IMPACT: "The impact of the difference between these states cannot be calculated.",
    Code.BEHIND_UNTOLD: "It cannot be determined which differences only come from an older checkout (a warning).",
    Code.NOT_ON_APPLIED: "The checkout does not contain the commit that was applied last (a warning).",
    Code.WITHDRAWN: "A rollback would bring back something that has since been rejected, switched off or retired.",
    Code.NO_MATCH: "Nothing matches the request.",
    Code.BAD_ADDRESS: "Not a valid address, pattern or stage.",
    Code.BAD_POINT: "Not a valid point in the history.",
    Code.GIT: "git cannot provide the specs at that revision.",
    Code.TARGET_EXISTS: "A file or folder already exists and would be overwritten.",
    Code.AMBIGUOUS_TIME: (
        "A time that occurred more than once, because the clock was set back, and means different states."
    ),
    Code.UNKNOWN_PROPOSITION: "No proposition has this id, or it belongs to another environment.",
    Code.STATUS_STEP: "A proposition cannot go from its status to this one.",
    Code.PROPOSITION_EXISTS: "A proposition with this id is already stored.",
    Code.UNKNOWN_STATUS: "Not a valid proposition status.",
    Code.BAD_CURSOR: "What --since names is not a cursor of this store's propositions.",
    Code.CURSOR_GONE: "The store no longer has the change that a cursor names: restored, or removed when too old.",
    Code.UNKNOWN_GROUP: "A report cannot be grouped by this.",
    Code.LISTING_OPTIONS: "Options of a list, a report or an export of propositions that do not go together.",
    Code.OUTPUT_IN_USE: "Another run works with the same file and replaces it at its end.",
    Code.BAD_CASE: "A decision case that cannot be run: it has unknown keys, a wrong space, or an invalid contact.",
    Code.CASE_FAILED: "A decision case gives different offers than it expects.",
    Code.UNKNOWN_AXIS: "A simulation is grouped by a field that its contacts do not have.",
    Code.SIMULATION_OPTIONS: "Options of simulate that cannot be combined, such as --emit-sql and --html.",
    Code.SPARK_FAILED: "Spark failed: it ran out of memory, or its process ended.",
    Code.NO_SIMULATION: "No simulation is kept by this name.",
    Code.SIMULATION_EXISTS: "A simulation is already kept by this name.",
    Code.SIMULATIONS_APART: "Two simulations that have nothing in common to compare.",
    Code.SHORT_OUTLINE: "A delivery takes more offers from an outline than it has.",
    Code.NOT_EMITTED: "A decision that cannot be written as a query for another engine with the same meaning.",
    Code.BUSY: "The server has more calls than it can answer or store in time; nothing of this one was stored. Or a"
    " large request timed out: then the message says that its outcome is unknown.",
    Code.BAD_REQUEST: "A request that does not follow the interface.",
    Code.REMOTE: "The store's server cannot be reached, or is not an offerkit server.",
    Code.REMOTE_NOT_THERE: "A command that needs the store itself and does not work through a server.",
    Code.PACKAGE_MISSING: "A Python package that this command needs is not installed.",
    Code.KEY_SIGNATURE: "A contact key without the signature that its environment requires.",
    Code.KEY_UNCHECKED: "The secret for signed contact keys is missing or too short.",
    Code.NOT_A_READER: "The operator cannot read contacts or their values through this server.",
    Code.IDENTIFYING_FIELD: "--by names a field that identifies contacts, without --examples.",
    Code.NO_ROOM: "There is no disk space for the temporary data of a batch.",
    Code.CONTACT_TWICE: "Two contacts of a source have the same key.",
    Code.NO_CONTACTS: "The source has no contacts.",
    Code.DATA_WITHOUT_CONTACT: "Rows of the data for each recipient of a delivery are for no contact.",
    Code.UNKNOWN_DELIVERY: "No live campaign has this delivery.",
    Code.DELIVERED: "A delivery is made only once; this one has already been made or sent.",
    Code.NOT_DELIVERED: "The delivery that is to be sent or withdrawn has not been made.",
    Code.OUT_OF_PERIOD: "The contact date of a delivery is outside the campaign's period.",
    Code.DELIVERY_RUNNING: "Another run is making the same delivery, or one was left unfinished.",
    Code.SLOT_NOT_SHOWN: "The body of a message does not show one of its slots.",
    Code.OFFER_FIELD: "A delivery takes the name of an offer from a field that is not text.",
    Code.RECIPIENT_DATA: "The data for each recipient of a delivery is missing, not declared, or has other columns.",
    Code.DATA_ROW: "A row of the data for each recipient of a delivery cannot be read.",
    Code.BATCH_PREVIEW: "The decision on a space for batches is a preview, and is never stored.",
    Code.NO_SOLVER: "The Python package that decides proofs is not installed.",
    Code.REPORT_FORMAT: "This report does not have the format that was requested.",
    Code.NOT_RENDERED: "An offer could not be rendered for a contact and was left out of the answer (a warning).",
    Code.NOBODY: "A call identified no contact, and the space has no fallback (a warning; the answer is empty).",
    Code.UNKNOWN_EXAMPLE: "The environment has no call-data example with this name.",
    Code.UNKNOWN_SPACE: "A call names a space that does not exist or is not live.",
    Code.NOT_UNITARY: "A call for one contact names a space that is only for batches.",
    Code.BAD_COUNT: "A call asks for no offers, or for too many.",
    Code.UNKNOWN_CALL_DATA: "A call passes data that the environment does not declare.",
    Code.BAD_CALL_DATA: "A call passes data of another type than declared.",
    Code.MISSING_CALL_DATA: "A call lacks data that the environment requires.",
    Code.UNKNOWN_SLICE: "A call names a category or theme that does not exist (a warning; the answer ignores it).",
    Code.BROKEN_RULE: "A rule of the stage can no longer be read; it never holds (a warning).",
    Code.HOOK_MISSING: "A space or weight names a hook that no installed package provides (a warning).",
    Code.HOOK_FAILED: "A hook raised an error; the call went on without it (a warning).",
    Code.HOOK_ANSWER: "A hook returned something invalid; the call went on without it (a warning).",
    Code.PRODUCT_TAKEN: "A dimension or a content field is named product, but product_fields are declared.",
    Code.CONTACTS_SOURCE: "The contacts cannot be read: no source is declared, or its file is missing or unreadable.",
    Code.CONTACT_COLUMNS: "The source of contacts lacks fields of the dimension, or has them with another type.",
    Code.CONTACT_VALUE: "A contact's value does not fit the field's type.",
    Code.CONTACT_ROW: "A row of the contacts file is not valid CSV: its quotes, encoding, length or number of cells.",
    Code.CONTACT_KEY: "The contact key has too few or too many parts, or a part of the wrong type.",
    Code.CONTACT_AMBIGUOUS: "More than one contact has this key.",
    Code.CONTACTS_PACKAGE: "The Python package for this kind of source is not installed.",
    Code.CONTACTS_URL: "The URL of the contacts database is missing, or names a database that is not supported.",
    Code.CONTACTS_DATABASE: "The contacts database returned an error, or did not answer in time.",
    Code.NO_CONTACT: "No contact has this key.",
    Code.BUNDLE: "A bundle of “ci plan” is missing or damaged, was edited, or has unexpected content.",
    Code.BUNDLE_OTHER: "A bundle belongs to another pull request, another head, or another kind of plan.",
    Code.MEANING: "What would be applied is not what was reviewed in the pull request.",
    Code.NO_BASE: "There is no store, and the base branch of the pull request is not known.",
    Code.FORGE: "GitHub or GitLab cannot be reached, or gives an unusable answer.",
    Code.FORGE_REFUSES: (
        "GitHub or GitLab refuses a request: the token lacks the right, or what it names does not exist."
    ),
    Code.FORGE_LIMIT: "GitHub or GitLab limits requests for longer than this run waits.",
    Code.FORGE_SETTINGS: "The forge, repository or token is not given, or cannot be read.",
    Code.EXPORT_BROKEN: "An export of the history was cut off, edited or reordered, or is damaged.",
    Code.EXPORT_UNREADABLE: "The file is not an export of the history that this offerkit reads.",
    Code.RECORD_UNCOVERED: "A revision made something live that the approvals in the record do not cover.",
    Code.BUG: "A bug in offerkit; please report it.",
    Code.NOT_LIVE_THEN: "An answer is asked for a past time at which the environment was not live.",
    Code.PAST_NOT_STORED: "An answer for a past time, from what was live then, cannot be stored.",
    Code.PRESENT_CONTACT: "An answer for a past time uses the contact's fields and statuses of now (a warning).",
    Code.NO_EVIDENCE: "A space asks for evidence that cannot be kept: it stores nothing, or deliveries fill it.",
    Code.EVIDENCE_UNREADABLE: "The evidence of a decision was edited, or a newer offerkit wrote it.",
    Code.PULL_REQUEST_UNREADABLE: "What “offerkit ci plan” wrote for a pull request is damaged or has another format.",
    Code.CONTACT_IN_SEVERAL: "Several dimensions have a contact with this key; they can be different contacts.",
    Code.KEY_IN_MESSAGE: "The message of an erasure has the contact's key in it; the history would keep it for good.",
    Code.NOT_ERASED: "A contact is erased, but something of it is still in the store's files, or was stored since.",
    Code.ERASED_ELSEWHERE: "Stores that were set aside, or deliveries whose files moved, can have an erased contact.",
    Code.SIGNATURE_DEMANDED: "A decision is not signed, although its environment demands a signature.",
    Code.BAD_SIGNATURE: "A signature does not count: forged, made for something else, expired, or by an unknown key.",
    Code.SIGNED_FOR_EARLIER: "The store has changed between signing a decision and recording it.",
    Code.NOT_SIGNED: "A decision could not be signed: the key or ssh-keygen cannot be used.",
    Code.SHARED_KEY: "Two operators have the same SSH key.",
    Code.ANCHOR_MISMATCH: "The history is not the one that was anchored: it was cut, replaced or rewritten.",
    Code.ANCHOR_PLACE: "A place of anchors cannot be read or written.",
    Code.NO_ANCHORS: "There are no anchors to compare a history with, or nothing to anchor.",
}
