//! Queries that are SOQL.

use bridged::soql::parse::query;

/// One query a line; the rows are grouped by what they are about.
pub(super) const ACCEPTED: &[&str] = &[
    // fields and paths
    "SELECT Id FROM Lead",
    "select id, firstname, LASTNAME from lead",
    "SELECT\n  Id,\n\tName\nFROM\r\n  Account  ",
    "SELECT Lead.Id, Lead.Owner.Name FROM Lead",
    "SELECT l.Id, l.Owner.Profile.Name FROM Lead l",
    "SELECT l.Id FROM Lead AS l",
    "SELECT Id, Account.Parent.Parent.Parent.Parent.Name FROM Contact",
    "SELECT My_Field__c, ns__Other__c, Rel__r.Name FROM Thing__c",
    "SELECT Id, Group.Name FROM GroupMember",
    "SELECT Id FROM Group",
    "SELECT Id FROM Order",
    "SELECT Id, Limit__c, Order.Name FROM OrderItem",
    "SELECT Id FROM Lead__History",
    "SELECT COUNT() FROM Contact c, c.Account a WHERE a.Name = 'Acme'",
    "SELECT FIELDS(STANDARD) FROM Lead",
    "SELECT FIELDS(ALL) FROM Lead LIMIT 200",
    "SELECT fields(custom) FROM Lead LIMIT 1",
    "SELECT FIELDS(STANDARD), Score__c FROM Lead",
    // comparison
    "SELECT Id FROM Lead WHERE Name = 'Ada'",
    "SELECT Id FROM Lead WHERE Name='Ada'AND Company='X'",
    "SELECT Id FROM Lead WHERE Name != 'Ada'",
    "SELECT Id FROM Lead WHERE Name <> 'Ada'",
    "SELECT Id FROM Opportunity WHERE Amount >= 10 AND Amount<=20",
    "SELECT Id FROM Opportunity WHERE Amount > -1.5",
    "SELECT Id FROM Opportunity WHERE Amount < +.5",
    "SELECT Id FROM Opportunity WHERE Amount = 1e6",
    "SELECT Id FROM Opportunity WHERE Amount > USD5000",
    "SELECT Id FROM Opportunity WHERE Amount > eur5000.75",
    "SELECT Id FROM Lead WHERE Email = null",
    "SELECT Id FROM Lead WHERE Email != NULL",
    "SELECT Id FROM Lead WHERE IsConverted = false AND DoNotCall = TRUE",
    "SELECT Id FROM Lead WHERE Name LIKE 'A%'",
    "SELECT Id FROM Lead WHERE Name LIKE '100\\%\\_'",
    "SELECT Id FROM Lead WHERE Name LIKE '%'",
    "SELECT Id FROM Lead WHERE Status IN ('Open')",
    "SELECT Id FROM Lead WHERE Status IN ('Open','Closed', 'x')",
    "SELECT Id FROM Lead WHERE Status NOT IN ('Open', null)",
    "SELECT Id FROM Lead WHERE Score__c IN (1, 2.5, -3)",
    "SELECT Id FROM Lead WHERE Topics__c INCLUDES ('A;B', 'C')",
    "SELECT Id FROM Lead WHERE Topics__c EXCLUDES ('A')",
    "SELECT Id FROM Lead WHERE Name = ''",
    "SELECT Id FROM Lead WHERE Name = 'it\\'s'",
    "SELECT Id FROM Lead WHERE Name = 'a\\\\b'",
    "SELECT Id FROM Lead WHERE Name = 'say \"hi\"'",
    "SELECT Id FROM Lead WHERE Name = 'line\\nbreak\\ttab\\r\\b\\f'",
    "SELECT Id FROM Lead WHERE Name = '\\u00e9\\u4E2d'",
    "SELECT Id FROM Lead WHERE Name = '\\ud83e\\udd8a'",
    "SELECT Id FROM Lead WHERE Name = 'Zoë 🦊 ’ –'",
    // dates
    "SELECT Id FROM Lead WHERE CreatedDate > 2026-01-31T10:00:00Z",
    "SELECT Id FROM Lead WHERE CreatedDate > 2026-01-31T10:00:00z",
    "SELECT Id FROM Lead WHERE CreatedDate > 2026-01-31T10:00:00.000Z",
    "SELECT Id FROM Lead WHERE CreatedDate > 2026-01-31T10:00:00.123456Z",
    "SELECT Id FROM Lead WHERE CreatedDate > 2026-01-31T10:00:00+02:00",
    "SELECT Id FROM Lead WHERE CreatedDate > 2026-01-31T10:00:00.000+0000",
    "SELECT Id FROM Lead WHERE CreatedDate > 2026-01-31T10:00:00-08",
    "SELECT Id FROM Lead WHERE CreatedDate >= 2026-01-01T00:00:00.000+00:00 AND CreatedDate < 2026-02-01T00:00:00.000+00:00",
    "SELECT Id FROM Opportunity WHERE CloseDate = 2024-02-29",
    "SELECT Id FROM Shift__c WHERE Start__c > 09:30:00.000Z",
    "SELECT Id FROM Lead WHERE CreatedDate = TODAY",
    "SELECT Id FROM Lead WHERE CreatedDate = last_n_days:90",
    "SELECT Id FROM Lead WHERE CreatedDate > N_DAYS_AGO:7",
    "SELECT Id FROM Lead WHERE CreatedDate < NEXT_N_FISCAL_QUARTERS:2",
    "SELECT Id FROM Lead WHERE CreatedDate = THIS_FISCAL_YEAR OR CreatedDate = LAST_90_DAYS",
    "SELECT Id FROM Lead WHERE CreatedDate IN (TODAY, YESTERDAY)",
    "SELECT Id FROM Lead WHERE CALENDAR_YEAR(CreatedDate) = 2026",
    "SELECT Id FROM Lead WHERE HOUR_IN_DAY(convertTimezone(CreatedDate)) < 9",
    "SELECT Id FROM Lead WHERE DAY_ONLY(CreatedDate) = 2026-01-31",
    // logic
    "SELECT Id FROM Lead WHERE A__c = 1 AND B__c = 2 AND C__c = 3",
    "SELECT Id FROM Lead WHERE A__c = 1 OR B__c = 2 OR C__c = 3",
    "SELECT Id FROM Lead WHERE (A__c = 1 AND B__c = 2) OR C__c = 3",
    "SELECT Id FROM Lead WHERE A__c = 1 AND (B__c = 2 OR C__c = 3)",
    "SELECT Id FROM Lead WHERE NOT A__c = 1",
    "SELECT Id FROM Lead WHERE NOT (A__c = 1 OR B__c = 2)",
    "SELECT Id FROM Lead WHERE A__c = 1 AND (NOT Name LIKE 'X%') AND (NOT (B__c = 2))",
    "SELECT Id FROM Lead WHERE ((((A__c = 1))))",
    "SELECT Id FROM Lead WHERE (SystemModstamp > 2026-01-01T00:00:00Z OR (SystemModstamp = 2026-01-01T00:00:00Z AND Id > '00Q000000000001')) AND SystemModstamp <= 2026-01-02T00:00:00Z ORDER BY SystemModstamp ASC, Id ASC LIMIT 2000",
    // semi-joins
    "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact)",
    "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName LIKE 'a%') AND Id NOT IN (SELECT AccountId FROM Opportunity WHERE IsClosed = false)",
    "SELECT Id FROM Task WHERE WhoId IN (SELECT Id FROM Lead WHERE Status = 'Open' OR Rating = 'Hot')",
    "SELECT Id FROM Account WHERE Name = 'x' AND (OwnerId IN (SELECT Id FROM User) AND Type = 'y')",
    // child subqueries and polymorphism
    "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
    "SELECT Id, (SELECT Id, Subject FROM Tasks WHERE CreatedDate = LAST_N_DAYS:90 ORDER BY CreatedDate DESC LIMIT 200), (SELECT Id FROM Events) FROM Lead",
    "SELECT Name, (SELECT LastName FROM Account.Contacts) FROM Account",
    "SELECT Id, (SELECT Id, (SELECT Id FROM Cases) FROM Contacts) FROM Account",
    "SELECT Id, (SELECT Id FROM Contacts WHERE Id IN (SELECT ContactId FROM Case)) FROM Account",
    "SELECT TYPEOF What WHEN Account THEN Phone, Name WHEN Opportunity THEN Amount ELSE Name END FROM Event",
    "SELECT Id, TYPEOF Owner WHEN User THEN Id END FROM Lead",
    "SELECT Id FROM Event WHERE What.Type IN ('Account', 'Opportunity')",
    "SELECT Id, Who.Type FROM Task WHERE Who.Type = 'Lead'",
    // functions
    "SELECT toLabel(Status), FORMAT(CreatedDate) shown FROM Lead",
    "SELECT convertCurrency(Amount), FORMAT(convertCurrency(Amount)) money FROM Opportunity",
    "SELECT Id FROM Lead WHERE toLabel(Status) = 'Offen'",
    // aggregates
    "SELECT COUNT() FROM Lead",
    "SELECT count( ) FROM Lead WHERE IsConverted = false LIMIT 10",
    "SELECT COUNT(Id) FROM Lead",
    "SELECT COUNT(Id) CNT, MAX(CreatedDate), MIN(CreatedDate) lowest FROM Lead",
    "SELECT LeadSource, COUNT(Id) FROM Lead GROUP BY LeadSource",
    "SELECT LeadSource source, COUNT_DISTINCT(Company) FROM Lead GROUP BY LeadSource HAVING COUNT(Id) > 10 ORDER BY COUNT(Id) DESC NULLS LAST LIMIT 5",
    "SELECT LeadSource, COUNT(Id) n FROM Lead GROUP BY LeadSource ORDER BY n",
    "SELECT LeadSource FROM Lead GROUP BY LeadSource HAVING LeadSource LIKE 'W%' AND COUNT(Id) > 1",
    "SELECT CALENDAR_YEAR(CreatedDate) y, SUM(Amount), AVG(Amount) FROM Opportunity GROUP BY CALENDAR_YEAR(CreatedDate)",
    "SELECT Owner.Name, COUNT(Id) FROM Lead GROUP BY Owner.Name",
    "SELECT Status, Rating, GROUPING(Status) g, COUNT(Id) FROM Lead GROUP BY ROLLUP(Status, Rating)",
    "SELECT Status, COUNT(Id) FROM Lead GROUP BY CUBE(Status, Rating, LeadSource)",
    "SELECT FORMAT(MIN(CloseDate)) earliest FROM Opportunity",
    "SELECT COUNT(Id) FROM Lead GROUP BY LeadSource LIMIT 1",
    // order, limit, offset and the rest
    "SELECT Id FROM Lead ORDER BY Name",
    "SELECT Id FROM Lead ORDER BY Name ASC NULLS FIRST, CreatedDate DESC NULLS LAST, Id",
    "SELECT Id FROM Lead ORDER BY Owner.Name DESC",
    "SELECT Id FROM Lead LIMIT 0",
    "SELECT Id FROM Lead LIMIT 10 OFFSET 2000",
    "SELECT Id FROM Lead OFFSET 5",
    "SELECT Id FROM Lead USING SCOPE mine WHERE IsConverted = false",
    "SELECT Id FROM Lead WITH SECURITY_ENFORCED",
    "SELECT Id FROM Lead WHERE Name = 'x' WITH USER_MODE ORDER BY Id",
    "SELECT Id, Title FROM Question WITH DATA CATEGORY Geography__c ABOVE usa__c AND Product__c AT (phone__c, tablet__c)",
    "SELECT Id FROM UserProfileFeed WITH UserId = '005000000000001' ORDER BY Id LIMIT 20",
    "SELECT Id FROM Lead LIMIT 1 FOR VIEW",
    "SELECT Id FROM Lead FOR REFERENCE",
    "SELECT Id FROM Lead LIMIT 2 FOR UPDATE",
    "SELECT Title FROM FAQ__kav WHERE PublishStatus = 'online' UPDATE TRACKING, VIEWSTAT",
    "SELECT Id FROM ScratchOrgInfo limit 1",
];

#[test]
fn every_query_of_the_table_parses() {
    let refused: Vec<String> = ACCEPTED
        .iter()
        .filter_map(|text| {
            let error = query(text).err()?;
            Some(format!("{text}\n  {error} at {:?}", error.span))
        })
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn every_query_cut_short_anywhere_parses_or_is_refused_without_a_panic() {
    for text in ACCEPTED {
        for (at, _) in text.char_indices() {
            if let Err(error) = query(&text[..at]) {
                assert!(error.span.end <= at && error.span.start <= error.span.end);
            }
        }
    }
}
