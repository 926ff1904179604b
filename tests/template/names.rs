//! Which names a template takes from its data: a table of template and names.

use bridged::template::{Name, Template};

/// `Owner.Name`; a list with the fields of its elements as `Tasks[Status, Owner.Name]`.
fn written(name: &Name) -> String {
    let path = name.path.join(".");
    if !name.is_list {
        assert!(name.items.is_empty());
        return path;
    }
    let items: Vec<_> = name.items.iter().map(|item| item.join(".")).collect();
    format!("{path}[{}]", items.join(", "))
}

fn check(rows: &[(&str, &str)]) {
    for (template, wanted) in rows {
        let compiled =
            Template::compile(template).unwrap_or_else(|error| panic!("{template}: {error:?}"));
        let names: Vec<_> = compiled.names().iter().map(written).collect();
        assert_eq!(names.join(" "), *wanted, "{template}");
        for name in compiled.names() {
            let text = &template[name.span.clone()];
            assert!(
                text.to_lowercase()
                    .starts_with(&name.path[0].to_lowercase()),
                "{template}: the span of {name:?} covers `{text}`"
            );
        }
    }
}

#[test]
fn fields_and_parents() {
    check(&[
        ("constant", ""),
        ("{{ 'Hot' }} {{ 1 }} {{ true }} {{ none }}", ""),
        ("{{ LastName }}", "LastName"),
        ("{{ FirstName }} {{ LastName }}", "FirstName LastName"),
        ("{{ Owner.Name }}", "Owner.Name"),
        ("{{ Owner['Name'] }}", "Owner.Name"),
        ("{{ Owner.Manager['Name'] }}", "Owner.Manager.Name"),
        ("{{ (Owner).Name }}", "Owner.Name"),
        ("{{ A }}{{ a }}{{ A }}", "A"),
        ("{{ owner.name }}{{ Owner.Name }}", "owner.name"),
        (
            "{{ Owner.Name }}{{ Owner.Email }}",
            "Owner.Name Owner.Email",
        ),
        ("{{ Name if Owner }}", "Name Owner"),
        ("{# {{ Hidden }} #}{{ Seen }}", "Seen"),
        ("{% raw %}{{ Hidden }}{% endraw %}", ""),
        ("{{ '{{ Hidden }}' }}", ""),
        ("{{ engagement.replies > 0 }}", "engagement.replies"),
        ("{{ targets.lead.id }}", "targets.lead.id"),
    ]);
}

#[test]
fn filters_tests_and_operators() {
    check(&[
        ("{{ MobilePhone | e164(country='US') }}", "MobilePhone"),
        (
            "{{ Phone | e164(country=CountryCode) }}",
            "Phone CountryCode",
        ),
        ("{{ A | default(B) }}", "A B"),
        (
            "{{ (Owner | default(Creator)).Name }}",
            "Owner.Name Creator.Name",
        ),
        ("{{ A | replace(B, C.D) }}", "A B C.D"),
        ("{{ A if B else C }}", "A B C"),
        ("{{ (A if B else C).Name }}", "A.Name B C.Name"),
        ("{{ A is defined }}", "A"),
        ("{{ A is equalto B }}", "A B"),
        ("{{ A and B or not C }}", "A B C"),
        ("{{ (A or B).Name }}", "A A.Name B.Name"),
        ("{{ 0 < A < B }}", "A B"),
        ("{{ A in [B, C] }}", "A B C"),
        ("{{ A ~ B }}{{ A + C }}", "A B C"),
        ("{{ {'Hot': A, 'Cold': B}[Rating] }}", "A B Rating"),
        ("{{ {'Hot': Owner}.Hot.Name }}", "Owner.Name"),
        ("{{ [A, B] | select | first }}", "A B"),
        (
            "{{ ([Owner, Creator] | first).Name }}",
            "Owner.Name Creator.Name",
        ),
        (
            "{{ A | date(B, timezone=Owner.TimeZoneSidKey) }}",
            "A B Owner.TimeZoneSidKey",
        ),
        (
            "{{ CloseDate | days_since(CreatedDate) }}",
            "CloseDate CreatedDate",
        ),
        ("{{ Description[:50] }}", "Description"),
    ]);
}

const LISTS: &[(&str, &str)] = &[
    (
        "{{ Tasks | selectattr('Status', 'equalto', 'Completed') | list | length }}",
        "Tasks[Status]",
    ),
    (
        "{{ Tasks | rejectattr('Owner.IsActive') | length }}",
        "Tasks[Owner.IsActive]",
    ),
    (
        "{{ Tasks | map(attribute='Status') | join(', ') }}",
        "Tasks[Status]",
    ),
    (
        "{{ Tasks | map(attribute='Owner.Name') | unique | first }}",
        "Tasks[Owner.Name]",
    ),
    (
        "{{ Tasks | sum(attribute='Minutes__c') }}",
        "Tasks[Minutes__c]",
    ),
    (
        "{{ Tasks | join(',', attribute='Subject') }}",
        "Tasks[Subject]",
    ),
    (
        "{{ (Tasks | sort(attribute='CreatedDate') | last).Subject }}",
        "Tasks[CreatedDate, Subject]",
    ),
    (
        "{{ (Tasks | max(attribute='Score__c')).Owner.Name }}",
        "Tasks[Score__c, Owner.Name]",
    ),
    ("{{ (Tasks | first).Status }}", "Tasks[Status]"),
    ("{{ Tasks[0].Status }}", "Tasks[Status]"),
    ("{{ Tasks[-1]['Status'] }}", "Tasks[Status]"),
    (
        "{{ Tasks[:3] | map(attribute='Status') | list }}",
        "Tasks[Status]",
    ),
    ("{{ Tasks | length }}", "Tasks"),
    ("{{ Tasks | list | length }}", "Tasks[]"),
    (
        "{{ (Tasks | selectattr('A', 'eq', B) | map(attribute='C') | first) ~ D }}",
        "Tasks[A, C] B D",
    ),
    (
        "{% for t in Tasks %}{{ t.Status }}{{ t.status }}{% endfor %}",
        "Tasks[Status]",
    ),
    (
        "{% for t in Tasks if t.IsClosed %}{{ t.Owner.Name }}{% else %}{{ Fallback }}{% endfor %}",
        "Tasks[IsClosed, Owner.Name] Fallback",
    ),
    (
        "{% for t in Tasks | sort(attribute='A') %}{{ loop.index }}{{ t['B'] }}{% endfor %}",
        "Tasks[A, B]",
    ),
    (
        "{% for t in Tasks %}{% for o in Opps %}{{ t.A }}{{ o.B }}{{ C }}{% endfor %}{% endfor %}",
        "Tasks[A] Opps[B] C",
    ),
    (
        "{% for t in Tasks %}{{ (t.Owner if t.Owner.IsActive else Owner).Name }}{% endfor %}",
        "Tasks[Owner.IsActive, Owner.Name] Owner.Name",
    ),
    (
        "{% for g in Tasks | groupby('Status') %}{{ g.grouper }}{{ g.list | map(attribute='Subject') | join }}{% endfor %}",
        "Tasks[Status, Subject]",
    ),
    (
        "{% for s in Tasks | map(attribute='Status') %}{{ s }}{% endfor %}",
        "Tasks[Status]",
    ),
];

#[test]
fn lists_and_the_fields_of_their_elements() {
    check(LISTS);
}

#[test]
fn variables_are_not_names() {
    check(&[
        ("{% set x = A %}{{ x }}{{ x }}", "A"),
        ("{% set o = Owner %}{{ o.Name }}", "Owner.Name"),
        ("{% set x %}{{ A }}{% endset %}{{ x }}", "A"),
        (
            "{% set last = Tasks | sort(attribute='CreatedDate') | last %}{{ last.Subject }}",
            "Tasks[CreatedDate, Subject]",
        ),
        (
            "{% if A %}{% set o = Owner %}{% else %}{% set o = Creator %}{% endif %}{{ o.Name }}",
            "A Owner.Name Creator.Name",
        ),
        (
            "{% with o = Owner, t = Tasks | first %}{{ o.Name }}{{ t.S }}{% endwith %}",
            "Owner.Name Tasks[S]",
        ),
        (
            "{% for Owner in Tasks %}{{ Owner.Name }}{% endfor %}{{ Owner.Email }}",
            "Tasks[Name] Owner.Email",
        ),
        (
            "{% for t in Tasks %}{% set x = t.A %}{{ x }}{% endfor %}{{ x }}",
            "Tasks[A] x",
        ),
        (
            "{% set x = 1 %}{% for t in Tasks %}{{ x }}{% endfor %}",
            "Tasks[]",
        ),
        ("{% set x = x %}{{ x }}", "x"),
        ("{{ loop }}", "loop"),
    ]);
}

#[test]
fn exactly_one_reference_is_a_field_reference() {
    let rows = [
        ("{{ A }}", Some("A")),
        (" {{ Owner.Name }}\n", Some("Owner.Name")),
        ("{{ Owner['Name'] }}", Some("Owner.Name")),
        ("{{ A }}!", None),
        ("{{ A | trim }}", None),
        ("{{ A }}{{ B }}", None),
        ("{{ 'A' }}", None),
        ("A", None),
        ("{{ A[0] }}", None),
        ("{% if A %}{{ A }}{% endif %}", None),
    ];
    for (template, wanted) in rows {
        let compiled = Template::compile(template).expect("it compiles");
        let path = compiled.is_field_reference().map(|path| path.join("."));
        assert_eq!(path.as_deref(), wanted, "{template}");
    }
}
