PRAGMA application_id=1330008651;
PRAGMA user_version=0;
BEGIN TRANSACTION;
CREATE TABLE approval (
            serial INTEGER NOT NULL REFERENCES revision (serial), address TEXT NOT NULL, aspect TEXT NOT NULL,
            space TEXT NOT NULL, fingerprint TEXT NOT NULL, decision TEXT NOT NULL,
            operator TEXT NOT NULL, comment TEXT NOT NULL,
            PRIMARY KEY (serial, address, aspect, space)) WITHOUT ROWID;
INSERT INTO "approval" VALUES(2,'recipients/offer.canada-rockies','content','email','c14cca3c9a7223d63cdd0703c27d8ad57461457375485992a369650d0ba99f8d','approved','admin','');
INSERT INTO "approval" VALUES(2,'recipients/offer.canada-rockies','content','web-home','f7294590ae933f9d162e23794798ea71a7c29e3f102b939428d7a9427a857141','approved','admin','');
INSERT INTO "approval" VALUES(2,'recipients/offer.canada-rockies','eligibility','','571cce214682fbbad7e900e88b1bf68c58ae931e37c9b95f3f8fa90adf2e9968','approved','admin','');
INSERT INTO "approval" VALUES(2,'recipients/offer.newsletter','content','web-home','2ebc91741f79134c84e43218c9b7ccd4628e4c66330e9d8eef187bb08b4cf740','approved','admin','');
INSERT INTO "approval" VALUES(2,'recipients/offer.newsletter','eligibility','','b62910b3ef948a14945356f68b4aad820f89d61ffc6841832fa87c90456cdac7','approved','admin','');
INSERT INTO "approval" VALUES(7,'recipients/offer.canada-rockies','stop','','','stopped','admin','The price is wrong');
INSERT INTO "approval" VALUES(8,'recipients/space.web-home','stop','','','stopped','admin','The page breaks');
CREATE TABLE change (
            serial INTEGER NOT NULL REFERENCES revision (serial), stage TEXT NOT NULL, address TEXT NOT NULL,
            action TEXT NOT NULL, before_fingerprint TEXT NOT NULL, after_fingerprint TEXT NOT NULL,
            before_activation TEXT NOT NULL, after_activation TEXT NOT NULL, moved_from TEXT NOT NULL,
            reason TEXT NOT NULL, PRIMARY KEY (serial, stage, address)) WITHOUT ROWID;
INSERT INTO "change" VALUES(1,'recipients@design','environment.recipients','create','','0f3225480feeecf64b25b98e3f4ba86e24e10a5682a0f3b123202af9495b7982','','-','','declared');
INSERT INTO "change" VALUES(1,'recipients@design','recipients/category.travel','create','','834ea6bdd823ae0dfc5cdbcdd4bb2d53314925a309b7ac1764368df4f40ec1bf','','-','','declared');
INSERT INTO "change" VALUES(1,'recipients@design','recipients/category.travel/canada','create','','719168035254253e195e80671aea6c1cf2f448df20f66b46288bcd01c56b20de','','-','','declared');
INSERT INTO "change" VALUES(1,'recipients@design','recipients/filter.adults','create','','3ba94932608ba25df1d9aea6fabe407e18a5fad5fbd859ed8e164707ade3424d','','-','','declared');
INSERT INTO "change" VALUES(1,'recipients@design','recipients/offer.canada-rockies','create','','e573f7e233a21e047a4c45e7b5b57f235077f24ec2939aed79d9d9f4ccd242d0','','-','','declared');
INSERT INTO "change" VALUES(1,'recipients@design','recipients/offer.newsletter','create','','027d8aba5a383b3da7c0dc84ec6b621aee86d6c3c848b7dfd82ff680296c58a4','','-','','declared');
INSERT INTO "change" VALUES(1,'recipients@design','recipients/rule.accepted-not-again','create','','fb2548c605a1650d633e32bba7f4f224e295b9f04af41526be7b9a0dab5dc2cd','','-','','declared');
INSERT INTO "change" VALUES(1,'recipients@design','recipients/rule.weekly-cap','create','','5731653e1af11fc705d02b939850ed32930083c91323366a275d327b72f4ea50','','-','','declared');
INSERT INTO "change" VALUES(1,'recipients@design','recipients/space.email','create','','4ecb0915565dcd931cce2f9667cddacd70f5db2abc5a8b621ba85b14edc2a134','','-','','declared');
INSERT INTO "change" VALUES(1,'recipients@design','recipients/space.web-home','create','','e9830d004eb8c1eea4d7246595f8f803085777a66e48520b67a51a65b6712db8','','-','','declared');
INSERT INTO "change" VALUES(1,'recipients@design','recipients/typology.contact-policy','create','','4c0dd344aec916161d085e75df5aa1f2b0f1eb50c3587f64dbf3da266e2daeba','','-','','declared');
INSERT INTO "change" VALUES(1,'shared@design','dimension.recipient','create','','4c0869416416b5311616edc082c280f073461246da0fcd66558c7e83d8777683','','-','','declared');
INSERT INTO "change" VALUES(1,'shared@design','operator.admin','create','','21540e7ac94fcad04adafb45503969009466d0b8c295d392e3e76ffba4233474','','-','','declared');
INSERT INTO "change" VALUES(3,'recipients@live','environment.recipients','create','','0f3225480feeecf64b25b98e3f4ba86e24e10a5682a0f3b123202af9495b7982','','-','','rides-along');
INSERT INTO "change" VALUES(3,'recipients@live','recipients/category.travel','create','','834ea6bdd823ae0dfc5cdbcdd4bb2d53314925a309b7ac1764368df4f40ec1bf','','-','','rides-along');
INSERT INTO "change" VALUES(3,'recipients@live','recipients/category.travel/canada','create','','719168035254253e195e80671aea6c1cf2f448df20f66b46288bcd01c56b20de','','-','','rides-along');
INSERT INTO "change" VALUES(3,'recipients@live','recipients/filter.adults','create','','3ba94932608ba25df1d9aea6fabe407e18a5fad5fbd859ed8e164707ade3424d','','-','','rides-along');
INSERT INTO "change" VALUES(3,'recipients@live','recipients/offer.canada-rockies','create','','e573f7e233a21e047a4c45e7b5b57f235077f24ec2939aed79d9d9f4ccd242d0','','email,web-home','','approved');
INSERT INTO "change" VALUES(3,'recipients@live','recipients/offer.newsletter','create','','027d8aba5a383b3da7c0dc84ec6b621aee86d6c3c848b7dfd82ff680296c58a4','','web-home','','approved');
INSERT INTO "change" VALUES(3,'recipients@live','recipients/rule.accepted-not-again','create','','fb2548c605a1650d633e32bba7f4f224e295b9f04af41526be7b9a0dab5dc2cd','','-','','rides-along');
INSERT INTO "change" VALUES(3,'recipients@live','recipients/rule.weekly-cap','create','','5731653e1af11fc705d02b939850ed32930083c91323366a275d327b72f4ea50','','-','','rides-along');
INSERT INTO "change" VALUES(3,'recipients@live','recipients/space.email','create','','4ecb0915565dcd931cce2f9667cddacd70f5db2abc5a8b621ba85b14edc2a134','','-','','rides-along');
INSERT INTO "change" VALUES(3,'recipients@live','recipients/space.web-home','create','','e9830d004eb8c1eea4d7246595f8f803085777a66e48520b67a51a65b6712db8','','-','','rides-along');
INSERT INTO "change" VALUES(3,'recipients@live','recipients/typology.contact-policy','create','','4c0dd344aec916161d085e75df5aa1f2b0f1eb50c3587f64dbf3da266e2daeba','','-','','rides-along');
INSERT INTO "change" VALUES(3,'shared@live','dimension.recipient','create','','4c0869416416b5311616edc082c280f073461246da0fcd66558c7e83d8777683','','-','','rides-along');
INSERT INTO "change" VALUES(7,'recipients@live','recipients/offer.canada-rockies','deactivate','e573f7e233a21e047a4c45e7b5b57f235077f24ec2939aed79d9d9f4ccd242d0','e573f7e233a21e047a4c45e7b5b57f235077f24ec2939aed79d9d9f4ccd242d0','email,web-home','','','stopped');
INSERT INTO "change" VALUES(8,'recipients@live','recipients/offer.newsletter','deactivate','027d8aba5a383b3da7c0dc84ec6b621aee86d6c3c848b7dfd82ff680296c58a4','027d8aba5a383b3da7c0dc84ec6b621aee86d6c3c848b7dfd82ff680296c58a4','web-home','','','stopped');
CREATE TABLE cookie (
            environment TEXT NOT NULL, cookie TEXT NOT NULL, contact TEXT NOT NULL, time TEXT NOT NULL,
            PRIMARY KEY (environment, cookie)) WITHOUT ROWID;
CREATE TABLE delivery_run (
            environment TEXT NOT NULL, campaign TEXT NOT NULL, delivery TEXT NOT NULL, id TEXT NOT NULL,
            space TEXT NOT NULL, revision INTEGER NOT NULL, time TEXT NOT NULL, made TEXT NOT NULL,
            operator TEXT NOT NULL, messages INTEGER NOT NULL, propositions INTEGER NOT NULL, sent TEXT NOT NULL, folder TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (environment, campaign, delivery)) WITHOUT ROWID;
INSERT INTO "delivery_run" VALUES('recipients','winter','card','call','email',3,'2026-11-24T00:00:00.000000Z','2026-11-23T09:30:00.000000Z','dora',2,2,'','/srv/offers/deliveries/winter/card');
CREATE TABLE evidence (
            environment TEXT NOT NULL, contact TEXT NOT NULL, time TEXT NOT NULL, id TEXT NOT NULL,
            interaction TEXT NOT NULL, space TEXT NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (environment, contact, time, id)) WITHOUT ROWID;
INSERT INTO "evidence" VALUES('recipients','1','2026-11-01T12:00:00.000000Z','a28002','9f1c','web-home','{"propositions":["a28002","a28003"]}');
CREATE TABLE meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "meta" VALUES('format','8');
INSERT INTO "meta" VALUES('head','cf3668a4707b45927c737104da8937845678d92d254430f8745d521d52ae6ef8');
INSERT INTO "meta" VALUES('project','508cc3d1ba4f45d0afed3f5c9345b478');
CREATE TABLE outbox (
            id TEXT NOT NULL, receiver TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL,
            created TEXT NOT NULL, due TEXT NOT NULL, attempts INTEGER NOT NULL, state TEXT NOT NULL,
            lease TEXT NOT NULL, leased_until TEXT NOT NULL, failure TEXT NOT NULL, finished TEXT NOT NULL,
            PRIMARY KEY (id, receiver)) WITHOUT ROWID;
INSERT INTO "outbox" VALUES('427320daafcc6eb5130f3100a025d297','team-chat','offerkit.offers.stopped','{"specversion":"1.0"}','2026-11-29T10:00:00.000000Z','2026-11-29T10:00:10.000000Z',1,'waiting','','','it answered with status 503','');
CREATE TABLE outcome (
            serial INTEGER NOT NULL REFERENCES revision (serial), stage TEXT NOT NULL, digest TEXT NOT NULL,
            PRIMARY KEY (serial, stage)) WITHOUT ROWID;
INSERT INTO "outcome" VALUES(1,'recipients@design','92bc319e723293c4daf00dfe82afbc1c45a8126ae9e6d771962396b11f36f1fc');
INSERT INTO "outcome" VALUES(1,'shared@design','045a349d76ccf4ddbaeeffd15138d8ed28fe9d45728b7adf44932c255e4458fd');
INSERT INTO "outcome" VALUES(3,'recipients@live','4d3195a81776a96834953e6094e3d541d1dea028ee6bce5e12ce846552b4ec3c');
INSERT INTO "outcome" VALUES(3,'shared@live','cea1f0c2765134933921fe2d9eb1c5e91d7e149149c52c8c7cb64a6cf05508f5');
INSERT INTO "outcome" VALUES(7,'recipients@live','739c33546ed636f32806c07f8ef2e20ceb646db4f5ed457ee201df930565a294');
INSERT INTO "outcome" VALUES(8,'recipients@live','8d6fad795034f6b1b6c7543d99a22caa1e2187d8e283c7f534fa4ac1e658fa82');
CREATE TABLE proposition (
            id TEXT NOT NULL, environment TEXT NOT NULL, contact TEXT NOT NULL, space TEXT NOT NULL,
            channel TEXT NOT NULL, offer TEXT NOT NULL, category TEXT NOT NULL, interaction TEXT NOT NULL,
            rank INTEGER NOT NULL, weight TEXT NOT NULL, status INTEGER NOT NULL, time TEXT NOT NULL,
            changed TEXT NOT NULL, revision INTEGER NOT NULL, data TEXT NOT NULL, logged TEXT NOT NULL DEFAULT '', product TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (environment, contact, time, id)) WITHOUT ROWID;
INSERT INTO "proposition" VALUES('a28002','recipients','1','web-home','inbound-web','canada-rockies','travel','9f1c',1,'12.5',3,'2026-11-01T12:00:00.000000Z','2026-11-02T08:30:00.250000Z',3,'{"accepted":{"by":"phone"},"proposed":{"score":3}}','','');
INSERT INTO "proposition" VALUES('a28003','recipients','1','web-home','inbound-web','newsletter','travel','9f1c',2,'1',1,'2026-11-01T12:00:00.000000Z','2026-11-01T12:00:00.000000Z',3,'{"accepted":{},"proposed":{}}','','');
INSERT INTO "proposition" VALUES('a29001','recipients','1','web-home','inbound-web','newsletter','travel','9f1c',2,'1',5,'2026-11-29T09:00:00.000000Z','2026-11-29T09:05:00.000000Z',3,'{"accepted":{},"proposed":{"score":3},"statuses":{"rejected":{"reason":"price"}}}','1','{"hotel":"Alba","price":118}');
CREATE TABLE proposition_change (
            position TEXT NOT NULL, id TEXT NOT NULL, environment TEXT NOT NULL, event TEXT NOT NULL,
            status INTEGER NOT NULL, changed TEXT NOT NULL, PRIMARY KEY (position, id)) WITHOUT ROWID;
INSERT INTO "proposition_change" VALUES('0','','','begun',1,'');
INSERT INTO "proposition_change" VALUES('0','a28003','recipients','before',0,'2026-11-01T12:00:00.000000Z');
INSERT INTO "proposition_change" VALUES('0','c2ec6e5d820446748fba93bf8b48e6fd','','log',0,'');
INSERT INTO "proposition_change" VALUES('000000000000000000000001','a29001','recipients','made',1,'2026-11-29T09:00:00.000000Z');
INSERT INTO "proposition_change" VALUES('000000000000000000000002','a29001','recipients','changed',5,'2026-11-29T09:05:00.000000Z');
CREATE TABLE revision (
            serial INTEGER PRIMARY KEY, parent_digest TEXT NOT NULL, digest TEXT NOT NULL,
            action TEXT NOT NULL, actor TEXT NOT NULL, time TEXT NOT NULL, message TEXT NOT NULL,
            plan_digest TEXT NOT NULL, details TEXT NOT NULL);
INSERT INTO "revision" VALUES(1,'e5e344b94fe430edeb8162b3230936b228499cc3398f49d6f2a764a2248daedb','7e6711d7809de4fe5bfe9fbdbd9d5430cba83d432e5ff508d3e13371836e2c08','apply','admin','2026-11-23T22:45:52.272649Z','','87a9c16e836363c0e5c96268300ef568a1cb792004d6cdf9518e2f690f7e2e9d','{}');
INSERT INTO "revision" VALUES(2,'7e6711d7809de4fe5bfe9fbdbd9d5430cba83d432e5ff508d3e13371836e2c08','74fc0699a2ca598d8bda11dad697029cebd522fea68848cb140d70e1a1c3369d','approve','admin','2026-11-23T22:47:32.963453Z','','','{}');
INSERT INTO "revision" VALUES(3,'74fc0699a2ca598d8bda11dad697029cebd522fea68848cb140d70e1a1c3369d','d665c26bc929b910a2dd52930d69823084c5246cb7e4d0201794553eb4c08978','promote','admin','2026-11-23T22:47:33.075057Z','','50337537061a66d5aee5a7f34ebcbb64c264e1161041950168bee4bd0ac2e236','{}');
INSERT INTO "revision" VALUES(4,'d665c26bc929b910a2dd52930d69823084c5246cb7e4d0201794553eb4c08978','2a50fef5159c4b9bb38e6b43575484f08aa7fc46f102561f4efd1e387b0ef4dc','token-adopt','offerkit','2026-11-29T08:00:00.000000Z','Tokens from before format 5, taken over as they were found.','','{"tokens":[{"created":"2026-01-01T00:00:00.000000Z","created_by":"admin","digest":"7e4ba22439239e1107e9ad71efa76a8d3393085e4a3ebe0c567876e625c3034d","expires":"2027-01-01T00:00:00.000000Z","id":"0123456789ab","name":"pipeline","operator":"admin","revoked":"","scope":"all"}]}');
INSERT INTO "revision" VALUES(5,'2a50fef5159c4b9bb38e6b43575484f08aa7fc46f102561f4efd1e387b0ef4dc','6e59ccc99a3b66341ccd6b2cea21dec3111c2c83b5d2f17f5a03c13fb951a1f0','token-create','admin','2026-11-29T09:00:00.000000Z','','','{"token":{"created":"2026-11-29T09:00:00.000000Z","created_by":"admin","digest":"3d2b96c9862dd24d88da3261d99832f65ed4f1da14c468c0323fdc82415903f4","expires":"2027-02-27T09:00:00.000000Z","id":"ba9876543210","name":"deploys","operator":"admin","revoked":"","scope":"read,apply"}}');
INSERT INTO "revision" VALUES(6,'6e59ccc99a3b66341ccd6b2cea21dec3111c2c83b5d2f17f5a03c13fb951a1f0','e960c9da13d21b22d8ed5e32ac0e3f853adaef7b41456a78c70a70b61a16a128','token-revoke','admin','2026-11-29T10:00:00.000000Z','','','{"token":{"created":"2026-01-01T00:00:00.000000Z","created_by":"admin","digest":"7e4ba22439239e1107e9ad71efa76a8d3393085e4a3ebe0c567876e625c3034d","expires":"2027-01-01T00:00:00.000000Z","id":"0123456789ab","name":"pipeline","operator":"admin","revoked":"2026-11-29T10:00:00.000000Z","scope":"all"}}');
INSERT INTO "revision" VALUES(7,'e960c9da13d21b22d8ed5e32ac0e3f853adaef7b41456a78c70a70b61a16a128','508da90268a57abbf90b001c36fca8cce886e405545e063f968394d33643d36e','stop','admin','2026-11-29T11:00:00.000000Z','The price is wrong','','{}');
INSERT INTO "revision" VALUES(8,'508da90268a57abbf90b001c36fca8cce886e405545e063f968394d33643d36e','cf3668a4707b45927c737104da8937845678d92d254430f8745d521d52ae6ef8','stop','admin','2026-11-29T11:00:00.000000Z','The page breaks','','{}');
CREATE TABLE scheduled (
            serial INTEGER NOT NULL PRIMARY KEY REFERENCES revision (serial), due TEXT NOT NULL,
            ended INTEGER NOT NULL, plan TEXT NOT NULL);
CREATE TABLE simulation (
            name TEXT NOT NULL PRIMARY KEY, environment TEXT NOT NULL, stage TEXT NOT NULL, time TEXT NOT NULL,
            actor TEXT NOT NULL, body TEXT NOT NULL);
INSERT INTO "simulation" VALUES('before','recipients','live','2026-11-29T10:00:00.000000Z','admin','{"about":{},"simulation":{}}');
CREATE TABLE snapshot (
            fingerprint TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL);
INSERT INTO "snapshot" VALUES('027d8aba5a383b3da7c0dc84ec6b621aee86d6c3c848b7dfd82ff680296c58a4','offer','{"category":"travel","content":{"destination_url":"https://travel.example/newsletter","html":"<p>Written by people who went there.</p>","title":"One journey a week in your inbox"},"label":"Newsletter","spaces":["web-home"],"weights":[{"weight":"0.1"}]}');
INSERT INTO "snapshot" VALUES('0f3225480feeecf64b25b98e3f4ba86e24e10a5682a0f3b123202af9495b7982','environment','{"call_data":{"page":{"label":"Page the offer is shown on","sample":"/"}},"dimension":"recipient","label":"Customers","typology":"contact-policy","when":"recipient.consent = true"}');
INSERT INTO "snapshot" VALUES('21540e7ac94fcad04adafb45503969009466d0b8c295d392e3e76ffba4233474','operator','{"email":"maintainers@users.noreply.r-seed-fbd0541d.example","label":"Administrator","profile":"administrator","protected":true}');
INSERT INTO "snapshot" VALUES('3ba94932608ba25df1d9aea6fabe407e18a5fad5fbd859ed8e164707ade3424d','filter','{"label":"Adults","when":"recipient.age >= 18"}');
INSERT INTO "snapshot" VALUES('4c0869416416b5311616edc082c280f073461246da0fcd66558c7e83d8777683','dimension','{"fields":{"age":{"label":"Age in years","type":"integer"},"consent":{"label":"Agreed to personal offers","type":"boolean"},"country":{"label":"Country of residence, two letters"},"email":{"label":"E-mail address"},"first_name":{"label":"First name"},"id":{"label":"Customer number","type":"integer"}},"key":["id"],"label":"Customers"}');
INSERT INTO "snapshot" VALUES('4c0dd344aec916161d085e75df5aa1f2b0f1eb50c3587f64dbf3da266e2daeba','typology','{"label":"Contact policy","rules":["accepted-not-again","weekly-cap"]}');
INSERT INTO "snapshot" VALUES('4ecb0915565dcd931cce2f9667cddacd70f5db2abc5a8b621ba85b14edc2a134','space','{"channel":"email","fields":[{"name":"title","required":true},{"name":"text","required":true},{"name":"destination_url","required":true}],"label":"Block of a newsletter","render":{"text":"{{ title }}\n\n{{ text }}\n\n{{ destination_url }}\n"},"storage":{"proposed":"scheduled"}}');
INSERT INTO "snapshot" VALUES('5731653e1af11fc705d02b939850ed32930083c91323366a275d327b72f4ea50','rule','{"channel":"email","counted":{"of":"all","same_channel":true},"label":"Three offers a week by e-mail","max":3,"period":{"before":"7d"}}');
INSERT INTO "snapshot" VALUES('719168035254253e195e80671aea6c1cf2f448df20f66b46288bcd01c56b20de','category','{"label":"Canada","multiplier":{"factor":"1.5","from":"2027-01-01","until":"2027-01-31"}}');
INSERT INTO "snapshot" VALUES('834ea6bdd823ae0dfc5cdbcdd4bb2d53314925a309b7ac1764368df4f40ec1bf','category','{"label":"Travel","themes":["travel"]}');
INSERT INTO "snapshot" VALUES('e573f7e233a21e047a4c45e7b5b57f235077f24ec2939aed79d9d9f4ccd242d0','offer','{"category":"travel/canada","code":"CA-ROCKIES","content":{"destination_url":"https://travel.example/canada/rockies","html":"<p>From Vancouver to Banff by train, with nights on the lake.</p>","text":"From Vancouver to Banff by train, with nights on the lake.","title":"Ten days in the Rockies"},"eligible":{"filters":[{"filter":"adults"}],"when":"recipient.country <> ''CA''"},"label":"Rockies by train","representations":{"email":{"title":"{{ recipient.first_name }}, ten days in the Rockies"}},"weights":[{"weight":"10"},{"from":"2027-06-01","label":"Summer","spaces":["web-home"],"until":"2027-08-31","weight":"20"}]}');
INSERT INTO "snapshot" VALUES('e9830d004eb8c1eea4d7246595f8f803085777a66e48520b67a51a65b6712db8','space','{"channel":"inbound-web","fields":[{"name":"title","required":true},{"name":"html","required":true},{"name":"destination_url","required":true}],"identification":{"keys":["email"]},"label":"Home page, main offer","render":{"html":"<a href=\"{{ destination_url }}\">\n  <h3>{{ title }}</h3>\n  {{ html }}\n</a>\n"},"unitary":true}');
INSERT INTO "snapshot" VALUES('fb2548c605a1650d633e32bba7f4f224e295b9f04af41526be7b9a0dab5dc2cd','rule','{"counted":{"status":"accepted"},"label":"Once accepted, not again for a year","max":1,"period":{"before":"365d"}}');
CREATE TABLE stage (
            stage TEXT NOT NULL PRIMARY KEY, revision INTEGER NOT NULL REFERENCES revision (serial),
            digest TEXT NOT NULL);
INSERT INTO "stage" VALUES('recipients@design',1,'92bc319e723293c4daf00dfe82afbc1c45a8126ae9e6d771962396b11f36f1fc');
INSERT INTO "stage" VALUES('shared@design',1,'045a349d76ccf4ddbaeeffd15138d8ed28fe9d45728b7adf44932c255e4458fd');
INSERT INTO "stage" VALUES('recipients@live',8,'8d6fad795034f6b1b6c7543d99a22caa1e2187d8e283c7f534fa4ac1e658fa82');
INSERT INTO "stage" VALUES('shared@live',3,'cea1f0c2765134933921fe2d9eb1c5e91d7e149149c52c8c7cb64a6cf05508f5');
CREATE TABLE stage_entry (
            stage TEXT NOT NULL REFERENCES stage (stage), address TEXT NOT NULL,
            fingerprint TEXT NOT NULL, activation TEXT NOT NULL,
            PRIMARY KEY (stage, address)) WITHOUT ROWID;
INSERT INTO "stage_entry" VALUES('recipients@design','environment.recipients','0f3225480feeecf64b25b98e3f4ba86e24e10a5682a0f3b123202af9495b7982','-');
INSERT INTO "stage_entry" VALUES('recipients@design','recipients/category.travel','834ea6bdd823ae0dfc5cdbcdd4bb2d53314925a309b7ac1764368df4f40ec1bf','-');
INSERT INTO "stage_entry" VALUES('recipients@design','recipients/category.travel/canada','719168035254253e195e80671aea6c1cf2f448df20f66b46288bcd01c56b20de','-');
INSERT INTO "stage_entry" VALUES('recipients@design','recipients/filter.adults','3ba94932608ba25df1d9aea6fabe407e18a5fad5fbd859ed8e164707ade3424d','-');
INSERT INTO "stage_entry" VALUES('recipients@design','recipients/offer.canada-rockies','e573f7e233a21e047a4c45e7b5b57f235077f24ec2939aed79d9d9f4ccd242d0','-');
INSERT INTO "stage_entry" VALUES('recipients@design','recipients/offer.newsletter','027d8aba5a383b3da7c0dc84ec6b621aee86d6c3c848b7dfd82ff680296c58a4','-');
INSERT INTO "stage_entry" VALUES('recipients@design','recipients/rule.accepted-not-again','fb2548c605a1650d633e32bba7f4f224e295b9f04af41526be7b9a0dab5dc2cd','-');
INSERT INTO "stage_entry" VALUES('recipients@design','recipients/rule.weekly-cap','5731653e1af11fc705d02b939850ed32930083c91323366a275d327b72f4ea50','-');
INSERT INTO "stage_entry" VALUES('recipients@design','recipients/space.email','4ecb0915565dcd931cce2f9667cddacd70f5db2abc5a8b621ba85b14edc2a134','-');
INSERT INTO "stage_entry" VALUES('recipients@design','recipients/space.web-home','e9830d004eb8c1eea4d7246595f8f803085777a66e48520b67a51a65b6712db8','-');
INSERT INTO "stage_entry" VALUES('recipients@design','recipients/typology.contact-policy','4c0dd344aec916161d085e75df5aa1f2b0f1eb50c3587f64dbf3da266e2daeba','-');
INSERT INTO "stage_entry" VALUES('recipients@live','environment.recipients','0f3225480feeecf64b25b98e3f4ba86e24e10a5682a0f3b123202af9495b7982','-');
INSERT INTO "stage_entry" VALUES('recipients@live','recipients/category.travel','834ea6bdd823ae0dfc5cdbcdd4bb2d53314925a309b7ac1764368df4f40ec1bf','-');
INSERT INTO "stage_entry" VALUES('recipients@live','recipients/category.travel/canada','719168035254253e195e80671aea6c1cf2f448df20f66b46288bcd01c56b20de','-');
INSERT INTO "stage_entry" VALUES('recipients@live','recipients/filter.adults','3ba94932608ba25df1d9aea6fabe407e18a5fad5fbd859ed8e164707ade3424d','-');
INSERT INTO "stage_entry" VALUES('recipients@live','recipients/offer.canada-rockies','e573f7e233a21e047a4c45e7b5b57f235077f24ec2939aed79d9d9f4ccd242d0','');
INSERT INTO "stage_entry" VALUES('recipients@live','recipients/offer.newsletter','027d8aba5a383b3da7c0dc84ec6b621aee86d6c3c848b7dfd82ff680296c58a4','');
INSERT INTO "stage_entry" VALUES('recipients@live','recipients/rule.accepted-not-again','fb2548c605a1650d633e32bba7f4f224e295b9f04af41526be7b9a0dab5dc2cd','-');
INSERT INTO "stage_entry" VALUES('recipients@live','recipients/rule.weekly-cap','5731653e1af11fc705d02b939850ed32930083c91323366a275d327b72f4ea50','-');
INSERT INTO "stage_entry" VALUES('recipients@live','recipients/space.email','4ecb0915565dcd931cce2f9667cddacd70f5db2abc5a8b621ba85b14edc2a134','-');
INSERT INTO "stage_entry" VALUES('recipients@live','recipients/space.web-home','e9830d004eb8c1eea4d7246595f8f803085777a66e48520b67a51a65b6712db8','-');
INSERT INTO "stage_entry" VALUES('recipients@live','recipients/typology.contact-policy','4c0dd344aec916161d085e75df5aa1f2b0f1eb50c3587f64dbf3da266e2daeba','-');
INSERT INTO "stage_entry" VALUES('shared@design','dimension.recipient','4c0869416416b5311616edc082c280f073461246da0fcd66558c7e83d8777683','-');
INSERT INTO "stage_entry" VALUES('shared@design','operator.admin','21540e7ac94fcad04adafb45503969009466d0b8c295d392e3e76ffba4233474','-');
INSERT INTO "stage_entry" VALUES('shared@live','dimension.recipient','4c0869416416b5311616edc082c280f073461246da0fcd66558c7e83d8777683','-');
CREATE TABLE token (
            id TEXT NOT NULL PRIMARY KEY, hash TEXT NOT NULL, operator TEXT NOT NULL, name TEXT NOT NULL,
            created TEXT NOT NULL, created_by TEXT NOT NULL, expires TEXT NOT NULL, revoked TEXT NOT NULL, scope TEXT NOT NULL DEFAULT '');
INSERT INTO "token" VALUES('0123456789ab','abababababababababababababababababababababababababababababababab','admin','pipeline','2026-01-01T00:00:00.000000Z','admin','2027-01-01T00:00:00.000000Z','2026-11-29T10:00:00.000000Z','all');
INSERT INTO "token" VALUES('ba9876543210','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','admin','deploys','2026-11-29T09:00:00.000000Z','admin','2027-02-27T09:00:00.000000Z','','read,apply');
CREATE INDEX change_address ON change (stage, address, serial);
CREATE INDEX change_moved ON change (moved_from, stage, serial) WHERE moved_from <> '';
CREATE INDEX outcome_stage ON outcome (stage, serial);
CREATE INDEX approval_address ON approval (address, serial);
CREATE UNIQUE INDEX proposition_id ON proposition (id);
CREATE INDEX proposition_time ON proposition (environment, time, id);
CREATE INDEX outbox_due ON outbox (state, receiver, due, id);
CREATE INDEX delivery_run_id ON delivery_run (environment, id);
CREATE INDEX scheduled_due ON scheduled (ended, due, serial);
CREATE INDEX evidence_space ON evidence (environment, space, time, id);
COMMIT;
