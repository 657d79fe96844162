// What the app says before it has a session; everything else comes from Amends.

const WORDS = {
  en: {
    dir: "ltr",
    no_access: "Give Amends access first: open this app's settings in Freshdesk and authorize it.",
    other_account: "Amends knows you as somebody else here, or not yet.",
    unknown_origin: "Amends does not know the address this app is served from yet.",
    too_fast: "Too many tickets were opened at once. Wait a minute, then open this one again.",
    alone: "Open this beside a ticket in Freshdesk.",
    down: "Amends cannot be reached right now. Nothing was given. Open the ticket again shortly.",
  },
  ar: {
    dir: "rtl",
    no_access: "يلزم أولاً السماح لـ Amends بالدخول: من إعدادات هذا التطبيق في Freshdesk.",
    other_account: "يعرفك Amends هنا باسم شخص آخر، أو لا يعرفك بعد.",
    unknown_origin: "لا يعرف Amends بعد العنوان الذي يُحمَّل منه هذا التطبيق.",
    too_fast: "فُتحت تذاكر كثيرة في وقت واحد. يُرجى الانتظار دقيقة ثم فتح هذه التذكرة من جديد.",
    alone: "يُرجى فتح هذه الصفحة بجانب تذكرة في Freshdesk.",
    down: "لا يمكن الوصول إلى Amends الآن. لم يُعط شيء. يُرجى فتح التذكرة من جديد بعد قليل.",
  },
  fa: {
    dir: "rtl",
    no_access: "نخست به Amends دسترسی بدهید: در تنظیمات این برنامه در Freshdesk.",
    other_account: "Amends شما را اینجا کس دیگری می‌شناسد، یا هنوز نمی‌شناسد.",
    unknown_origin: "Amends هنوز نشانی‌ای را که این برنامه از آن بار می‌شود نمی‌شناسد.",
    too_fast: "تیکت‌های زیادی با هم باز شد. یک دقیقه صبر کنید و این تیکت را دوباره باز کنید.",
    alone: "این صفحه را کنار یک تیکت در Freshdesk باز کنید.",
    down: "اکنون دسترسی به Amends ممکن نیست. چیزی داده نشد. کمی بعد تیکت را دوباره باز کنید.",
  },
};

/** The words of a language, English where there are none. */
export function wordsFor(language) {
  return WORDS[language] || WORDS.en;
}
