"""What is asked on the search page, in a browser: filters beside one another, offers, and the way back."""

from __future__ import annotations

from typing import Any

from waiting import ask, becomes, eventually, settled

from benchmarks.browser import until


def choose(page: Any, label: str, value: str) -> None:
    page.get_by_label(label).first.click()
    page.get_by_role("option").filter(has_text=value).first.click()
    page.keyboard.press("Escape")
    settled(page)


def said(page: Any) -> list[str]:
    return [one.strip() for one in page.locator(".chip .said, .chip button:not(.x)").all_inner_texts()]


def test_two_filters_stay_what_they_were_when_reports_are_wanted(page: Any) -> None:
    """Labels hold counts: a browser gave a label of a moment ago back as a value, which no study has."""
    choose(page, "Sex", "female")
    choose(page, "Manufacturer", "Siemens")
    becomes(page, lambda: said(page), ["Siemens", "female"])
    eventually(page, lambda: "pass, newest first" in page.locator(".bar").first.inner_text())
    ask(page, "lesion")
    page.get_by_text("Reports", exact=True).click()
    settled(page)
    page.locator(".row").first.wait_for()
    becomes(page, lambda: said(page), ["lesion", "Siemens", "female"])
    choose(page, "Sex", "male")
    becomes(page, lambda: said(page), ["lesion", "Siemens", "female or male"])
    eventually(page, lambda: page.locator(".row").count())


def test_an_offer_is_turned_on_and_off_by_a_click_and_the_address_keeps_it(page: Any) -> None:
    ask(page, "women with a T2 hyperintense lesion")
    women, bright = (
        page.locator(".chip.offer button[aria-pressed]").filter(has_text=text) for text in ("female", "T2")
    )
    becomes(page, lambda: women.get_attribute("aria-pressed"), "true")
    becomes(page, lambda: bright.get_attribute("aria-pressed"), "false")
    women.click()
    page.locator(".chip.offer.off").filter(has_text="female").wait_for()
    settled(page)
    eventually(page, lambda: any("women" in one for one in said(page)))
    page.reload()
    page.locator(".row").first.wait_for()
    page.locator(".chip.offer.off").filter(has_text="female").wait_for()


def test_back_from_a_study_restores_words_filters_and_the_place_in_the_list(page: Any) -> None:
    choose(page, "Sex", "female")
    ask(page, "lesion")
    page.set_viewport_size({"width": 1280, "height": 480})  # so that there is something to scroll
    page.wait_for_url("**/?search=*")
    address = page.url
    assert "lesion" not in address
    main = page.locator('[data-testid="stMain"]')
    main.evaluate("node => { node.scrollTop = 160; }")
    page.wait_for_timeout(400)
    left = main.evaluate("node => node.scrollTop")
    assert left > 0
    page.locator(".name").nth(1).click()
    page.wait_for_url("**/study?study=*")
    page.locator(".viewer").first.wait_for()
    page.go_back()
    page.locator(".row").first.wait_for()
    until(page, "(left) => Math.abs(document.querySelector('[data-testid=stMain]').scrollTop - left) < 5", arg=left)
    becomes(page, lambda: page.get_by_label("Search", exact=True).input_value(), "lesion")
    becomes(page, lambda: said(page), ["lesion", "female"])
    until(page, "(address) => location.href === address", arg=address)
    page.reload()
    page.locator(".row").first.wait_for()
    becomes(page, lambda: page.get_by_label("Search", exact=True).input_value(), "lesion")


def test_thumbs_that_would_do_nothing_say_why(page: Any) -> None:
    choose(page, "Sex", "female")
    thumb = page.get_by_label("This fits (u)").first
    eventually(page, thumb.is_disabled)
    reason = "Thumbs refine words: type some beside the filters"
    becomes(page, lambda: thumb.get_attribute("title"), reason)
    why = page.locator(".row").first.locator(".why")
    becomes(page, why.inner_text, "")
    page.locator(".row").first.get_by_role("button", name="compare").focus()
    page.keyboard.press("Tab")  # who has no mouse comes to it, and reads why
    eventually(page, lambda: thumb.evaluate("node => node.getRootNode().activeElement === node"))
    becomes(page, why.inner_text, reason)
    becomes(page, lambda: page.locator(".why:not(:empty)").count(), 1)
    second = page.locator(".row").nth(1)
    second.focus()
    page.keyboard.press("d")
    becomes(page, lambda: second.locator(".why").inner_text(), reason)
    second.locator(".why").evaluate("node => node.replaceChildren()")
    second.get_by_label("This fits (u)").click(force=True)
    becomes(page, lambda: second.locator(".why").inner_text(), reason)
    becomes(page, lambda: second.get_by_label("This fits (u)").get_attribute("aria-pressed"), "false")
    ask(page, "lesion")
    eventually(page, lambda: not page.locator(".why").count())
    eventually(page, page.get_by_label("This fits (u)").first.is_enabled)


def test_what_was_corrected_is_told_and_the_original_offered(page: Any) -> None:
    ask(page, "lesoin of the temporl lobe")
    page.get_by_text("Showing what was found for").wait_for()
    page.get_by_role("button", name="Search for what was typed").click()
    page.get_by_text("Showing what was found for").wait_for(state="detached")
