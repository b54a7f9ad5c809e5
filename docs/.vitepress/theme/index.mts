/** The default theme of VitePress with site.css. */

import DefaultTheme from 'vitepress/theme'
import './site.css'

export default DefaultTheme
