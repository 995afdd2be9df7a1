require('Dialog').run(require('Scores').kinds.flags)
