//! What public clients ask for before they do anything: each walk must find its way.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::client::{V, bench, refusal};

#[tokio::test]
async fn the_log_in_of_the_salesforce_cli_finds_what_it_asks_for() {
    let bench = bench().await;
    let (_, claims) = bench.get("/services/oauth2/userinfo").await;
    let user = claims["user_id"].as_str().unwrap();
    let (_, row) = bench
        .get(&format!("/services/data/v51.0/sobjects/User/{user}"))
        .await;
    assert_eq!(row["Username"], "integration@bridged.example");
    let answer = bench.query("SELECT Id FROM ScratchOrgInfo limit 1").await;
    assert_eq!(
        (refusal(&answer).0, refusal(&answer).1),
        (400, "INVALID_TYPE")
    );
    let soql = "SELECT Name, InstanceName, IsSandbox, TrialExpirationDate, NamespacePrefix, OrganizationType FROM Organization";
    let (_, page) = bench.query(soql).await;
    let organization = &page["records"][0];
    assert_eq!(organization["OrganizationType"], "Developer Edition");
    assert_eq!(organization["TrialExpirationDate"], Value::Null);
    let tooling = bench
        .get(&format!(
            "{V}/tooling/query?q=SELECT+Id+FROM+SandboxProcess"
        ))
        .await;
    assert_eq!(refusal(&tooling).1, "INVALID_TYPE");
}

#[tokio::test]
async fn the_start_of_cumulusci_and_of_sfdmu_find_what_they_ask_for() {
    let bench = bench().await;
    let organization = bench.records("Organization").await[0]["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(organization.len(), 18);
    let (_, row) = bench
        .get(&format!("{V}/sobjects/Organization/{organization}"))
        .await;
    assert_eq!(row["IsSandbox"], false);
    assert_eq!(row["attributes"]["type"], "Organization");
    let (status, page) = bench.query("SELECT QualifiedApiName, Label FROM EntityDefinition WHERE QualifiedApiName IN ('Lead', 'Task')").await;
    assert_eq!(status, StatusCode::OK);
    let labels: Vec<&Value> = page["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["Label"])
        .collect();
    assert_eq!(labels, ["Lead", "Task"]);
    let (_, page) = bench.query("SELECT COUNT(Id) CNT FROM Lead").await;
    assert_eq!(
        page["records"][0],
        json!({ "attributes": { "type": "AggregateResult" }, "CNT": 100 })
    );
    let answer = bench
        .query("SELECT IsPersonAccount FROM Account LIMIT 1")
        .await;
    assert_eq!(refusal(&answer).0, 400);
    let (_, page) = bench
        .query("SELECT Id, MasterLabel FROM LeadStatus WHERE IsConverted = true")
        .await;
    assert_eq!(page["records"][0]["MasterLabel"], "Closed - Converted");
}

#[tokio::test]
async fn a_client_that_writes_everything_in_lower_case_is_understood() {
    let bench = bench().await;
    let (status, made) = bench
        .post(
            &format!("{V}/sobjects/lead"),
            json!({ "lastname": "X", "company": "Y" }),
        )
        .await;
    assert_eq!(status, StatusCode::CREATED);
    let path = format!("{V}/sobjects/lead/bridged_id__c/E1");
    assert_eq!(
        bench
            .patch(&path, json!({ "lastname": "X", "company": "Y" }))
            .await
            .0,
        StatusCode::CREATED
    );
    let (_, page) = bench
        .query("select id, lastname from lead where company = 'y'")
        .await;
    assert_eq!(page["totalSize"], 2);
    assert_eq!(page["records"][0]["LastName"], "X");
    assert_eq!(page["records"][0]["Id"], made["id"]);
}
